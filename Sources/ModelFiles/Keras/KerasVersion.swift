/// Which Keras wrote a file, as far as the meaning of its options hangs on that.
struct KerasVersion: Equatable, Sendable {
    /// Where a decoder's `userInfo` has it.
    static let key = CodingUserInfoKey(rawValue: "keras-version")

    /// The first two numbers of the version; nil where the file does not tell.
    let numbers: (major: Int, minor: Int)?
    /// Whether this is Keras 2 by itself, and not that of TensorFlow: its versions end with 2.3, and TensorFlow's below 2.4
    /// are marked.
    let isStandAlone: Bool

    /// Whether this is Keras 2 or older; nil where the file does not tell.
    var isBefore3: Bool? { numbers.map { $0.major < 3 } }

    /// Reads a version.
    ///
    /// - Parameter text: Such as `3.15.1`, `2.2.4` or `2.2.4-tf`; nil where the file does not tell.
    init(_ text: String?) {
        let parts = text?.split(separator: ".").map { Int($0.prefix(while: \.isNumber)) } ?? []
        if let major = parts.first ?? nil {
            numbers = (major, parts.count > 1 ? parts[1] ?? 0 : 0)
        } else {
            numbers = nil
        }
        isStandAlone = numbers.map { $0 < (2, 4) } ?? false && !(text?.hasSuffix("-tf") ?? false)
    }

    /// The version of the file that is being decoded.
    static func of(_ decoder: any Decoder) -> KerasVersion {
        key.flatMap { decoder.userInfo[$0] as? KerasVersion } ?? KerasVersion(nil)
    }

    /// Refuses masked timesteps for a layer which passes the mask on since Keras 3 only.
    func requireMaskIsKept(in input: KerasShape) throws(Defect) {
        guard !input.isMasked || isBefore3 == false else {
            throw Defect(
                .unsupported,
                "of masked timesteps is not supported in a file of Keras 2; supported: in files of Keras 3")
        }
    }

    static func == (one: KerasVersion, other: KerasVersion) -> Bool {
        one.numbers?.major == other.numbers?.major && one.numbers?.minor == other.numbers?.minor
            && one.isStandAlone == other.isStandAlone
    }
}
