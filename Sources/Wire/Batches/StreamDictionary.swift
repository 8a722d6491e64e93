/// A fixed list of stream ids. Messages then name a stream by its index in the list, its number.
public struct StreamDictionary: Equatable, Sendable {
    /// The number of frames in the message that announces a dictionary.
    public static let frameCount = 2

    /// The ids in the order of their numbers.
    public let ids: [[UInt8]]
    /// The first eight bytes, as a little-endian number, of the SHA-256 over each id followed by a zero byte. A message
    /// with numbers carries the hash, so that a value cannot reach the stream with the same number in another list.
    public let hash: UInt64

    /// Creates a dictionary.
    ///
    /// - Parameter ids: The ids, 1 to ``BatchHeader/maximumCount``.
    /// - Throws: ``DropCause/dictionary`` if the number of ids is not allowed, or if an id is not valid or repeated.
    public init(ids: [[UInt8]]) throws(DropCause) {
        guard (1...BatchHeader.maximumCount).contains(ids.count), Set(ids).count == ids.count,
            ids.allSatisfy({ StreamID.isValid($0.span) })
        else { throw .dictionary }
        self.ids = ids
        var hash = SHA256()
        for id in ids { hash.update(id + [0]) }
        self.hash = hash.digest().prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads a dictionary message.
    ///
    /// - Parameters:
    ///   - header: The first frame. Its kind is `dictionary`.
    ///   - column: The second frame, see ``PaddedIDs``.
    /// - Throws: ``DropCause/batch`` if the second frame's length does not fit the header. ``DropCause/dictionary`` if
    ///   an id is not valid or repeated, or if the header has another hash.
    public init(_ header: BatchHeader, column: Span<UInt8>) throws(DropCause) {
        let width = try unsafe PaddedIDs.width(of: column.bytes, count: header.count)
        try self.init(
            ids: (0..<header.count).map { number in
                let id = PaddedIDs.id(at: number, in: column, width: width)
                return id.indices.map { id[$0] }
            })
        guard hash == header.dictionary else { throw .dictionary }
    }

    /// The frames of the message that announces the dictionary to a daemon.
    public var frames: [[UInt8]] {
        var column: [UInt8] = []
        PaddedIDs.append(ids, to: &column)
        return [BatchHeader(.dictionary, count: ids.count, dictionary: hash).bytes, column]
    }
}
