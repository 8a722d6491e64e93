#if Cluster
/// The rules for subjects and headers. libnats writes them into its protocol as they are, so that a space or a line end
/// in one would change the protocol's meaning.
enum Subject {
    /// Returns a subject unchanged.
    ///
    /// - Throws: ``NATSError`` if the subject is empty, or has a space or a control character.
    static func checked(_ subject: String, for operation: StaticString) throws(NATSError) -> String {
        guard !subject.isEmpty, subject.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw NATSError(
                .badSubject, operation: "\(operation)", context: "'\(subject.printable)'",
                problem: "a subject is not empty, and has no spaces and no control characters")
        }
        return subject
    }

    /// Checks a header.
    ///
    /// - Throws: ``NATSError`` if the name or the value could end the header.
    static func check(header name: String, _ value: String, for operation: StaticString) throws(NATSError) {
        let isName = !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
        guard isName, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw NATSError(
                .badSubject, operation: "\(operation)", context: "with the header '\(name.printable)'",
                problem: "the name has a colon, a space or a control character, or the value has a control character")
        }
    }
}

extension String {
    /// The string with control characters replaced.
    var printable: String {
        String(map { $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } ? "?" : $0 })
    }
}
#endif
