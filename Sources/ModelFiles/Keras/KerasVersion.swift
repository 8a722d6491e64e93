/// The version of Keras that wrote a file. The meaning of some options depends on it.
struct KerasVersion: Equatable, Sendable {
    /// The key in a decoder's `userInfo`.
    static let key = CodingUserInfoKey(rawValue: "keras-version")

    /// The first two numbers of the version; nil if the file does not state it.
    let numbers: (major: Int, minor: Int)?
    /// Whether this is stand-alone Keras 2 rather than TensorFlow's Keras. The last stand-alone version is 2.3, and
    /// TensorFlow's versions below 2.4 have the suffix `-tf`.
    let isStandAlone: Bool

    /// Whether this is Keras 2 or older; nil if the file does not state it.
    var isBefore3: Bool? { numbers.map { $0.major < 3 } }

    /// Reads a version.
    ///
    /// - Parameter text: A version such as `3.15.1`, `2.2.4` or `2.2.4-tf`; nil if the file does not state it.
    init(_ text: String?) {
        let parts = text?.split(separator: ".").map { Int($0.prefix(while: \.isNumber)) } ?? []
        if let major = parts.first ?? nil {
            numbers = (major, parts.count > 1 ? parts[1] ?? 0 : 0)
        } else {
            numbers = nil
        }
        isStandAlone = numbers.map { $0 < (2, 4) } ?? false && !(text?.hasSuffix("-tf") ?? false)
    }

    /// Returns the version of the file that is being decoded.
    static func of(_ decoder: any Decoder) -> KerasVersion {
        key.flatMap { decoder.userInfo[$0] as? KerasVersion } ?? KerasVersion(nil)
    }

    /// Refuses masked timesteps for a layer that passes masks on only in Keras 3, unless Keras 3 wrote the file.
    func requireMaskIsKept(in input: KerasShape) throws(Defect) {
        guard !input.isMasked || isBefore3 == false else {
            throw Defect(
                .unsupported,
                "with masked timesteps is not supported in a Keras 2 file; supported: Keras 3 files")
        }
    }

    static func == (one: KerasVersion, other: KerasVersion) -> Bool {
        one.numbers?.major == other.numbers?.major && one.numbers?.minor == other.numbers?.minor
            && one.isStandAlone == other.isStandAlone
    }
}
