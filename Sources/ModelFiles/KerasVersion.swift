import FoundationEssentials

/// The version of Keras that wrote a file, as far as the meaning of an option, or of a missing one, hangs on it.
struct KerasVersion: Sendable {
    let major: Int
    let minor: Int

    fileprivate static let key = CodingUserInfoKey(rawValue: "keras-version")

    /// Reads `3.15.1`, `2.2.4-tf` and the like.
    ///
    /// - Returns: nil where the text does not begin with a number.
    init?(_ text: String) {
        let numbers = text.split(separator: ".").map { Int($0.prefix(while: \.isNumber)) }
        guard case let major?? = numbers.first else { return nil }
        self.major = major
        minor = numbers.dropFirst().first.flatMap(\.self) ?? 0
    }
}

extension JSONDecoder {
    /// The version of Keras in whose sense a file is decoded; nil where the file does not tell.
    var kerasVersion: KerasVersion? {
        get { KerasVersion.key.flatMap { userInfo[$0] as? KerasVersion } }
        set { if let key = KerasVersion.key { userInfo[key] = newValue } }
    }
}

extension Decoder {
    /// The version of Keras in whose sense the file is decoded; nil where the file does not tell.
    var kerasVersion: KerasVersion? { KerasVersion.key.flatMap { userInfo[$0] as? KerasVersion } }
}

extension KeyedDecodingContainer {
    /// What is wrong with a file that neither has an option nor tells whose default to take.
    func undecided(_ key: Key) -> Defect {
        Defect(
            .unsupported,
            "\(key.stringValue) is missing in a file that does not tell its version of Keras; supported: files with "
                + "keras_version")
    }
}
