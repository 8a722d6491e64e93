/// The rules for stream ids: 1 to 255 bytes of UTF-8, no control characters, no leading `!`.
public enum StreamID {
    /// The longest id, in bytes.
    public static let maximumLength = 255

    /// The prefix that no stream id may have. Topics with this prefix on the decisions socket belong to the daemon, not
    /// to a stream.
    public static let reservedPrefix = "!"
    /// The prefix of the daemon's own topics on the decisions socket.
    public static let ownTopics = reservedPrefix + "sluice/"

    /// Whether the bytes are a valid id. The hot path calls this function for every message, so it neither allocates
    /// nor throws.
    public static func isValid(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count >= 1, bytes.count <= maximumLength, !isReserved(bytes) else { return false }
        guard let text = try? UTF8Span(validating: bytes) else { return false }
        var scalars = text.makeUnicodeScalarIterator()
        while let scalar = scalars.next() {
            // The control characters of Unicode are C0, DEL and C1.
            if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) { return false }
        }
        return true
    }

    /// Whether the text is a valid id.
    public static func isValid(_ text: String) -> Bool {
        isValid(Array(text.utf8).span)
    }

    private static func isReserved(_ bytes: Span<UInt8>) -> Bool {
        let reserved = reservedPrefix.utf8
        guard bytes.count >= reserved.count else { return false }
        for (index, byte) in reserved.enumerated() where bytes[index] != byte { return false }
        return true
    }
}
