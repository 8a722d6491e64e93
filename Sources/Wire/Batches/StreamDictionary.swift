/// A fixed list of stream ids. A message can name a stream by its number, which is its index in the list.
public struct StreamDictionary: Equatable, Sendable {
    /// The number of frames in the message that announces a dictionary.
    public static let frameCount = 2

    /// The ids in the order of their numbers, each followed by a zero byte.
    public let bytes: [UInt8]
    /// The first eight bytes, as a little-endian number, of the SHA-256 over ``bytes``. A message with numbers carries
    /// this hash, so that its values cannot reach streams that have the same numbers in another dictionary.
    public let hash: UInt64
    /// The index of the zero byte after each id.
    private let ends: [UInt32]

    /// Creates a dictionary.
    ///
    /// - Parameter ids: The ids, 1 to ``BatchHeader/maximumCount``.
    /// - Throws: ``DropCause/dictionary`` if the number of ids is not allowed, or if an id is not valid or repeated.
    public init(ids: [[UInt8]]) throws(DropCause) {
        var bytes: [UInt8] = []
        for id in ids {
            bytes += id
            bytes.append(0)
        }
        // Check the ids here, because a zero byte inside an id would split the id in two.
        guard ids.allSatisfy({ StreamID.isValid($0.span) }) else { throw .dictionary }
        try self.init(bytes: bytes)
    }

    /// Creates a dictionary from its ``bytes``.
    ///
    /// - Throws: Same as ``init(ids:)``.
    public init(bytes: [UInt8]) throws(DropCause) {
        var ends: [UInt32] = []
        var known: Set<ArraySlice<UInt8>> = []
        var start = 0
        for end in bytes.indices where bytes[end] == 0 {
            guard StreamID.isValid(bytes.span.extracting(start..<end)), known.insert(bytes[start..<end]).inserted else {
                throw .dictionary
            }
            ends.append(UInt32(end))
            start = end + 1
        }
        guard (1...BatchHeader.maximumCount).contains(ends.count), start == bytes.count else { throw .dictionary }
        (self.bytes, self.ends) = (bytes, ends)
        var hash = SHA256()
        hash.update(bytes)
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
        var bytes: [UInt8] = []
        bytes.reserveCapacity(column.count + header.count)
        for number in 0..<header.count {
            let id = PaddedIDs.id(at: number, in: column, width: width)
            for index in id.indices { bytes.append(id[index]) }
            bytes.append(0)
        }
        try self.init(bytes: bytes)
        guard hash == header.dictionary, count == header.count else { throw .dictionary }
    }

    /// The number of ids.
    public var count: Int { ends.count }

    /// Returns the id with a number below ``count``.
    @_lifetime(borrow self)
    public func id(_ number: Int) -> Span<UInt8> {
        bytes.span.extracting((number == 0 ? 0 : Int(ends[number - 1]) + 1)..<Int(ends[number]))
    }

    /// Whether a dictionary message announces this dictionary. The check takes much less time than reading the message.
    ///
    /// - Parameters: Same as for ``init(_:column:)``.
    public func isAnnounced(by header: BatchHeader, column: Span<UInt8>) -> Bool {
        guard header.dictionary == hash, header.count == count,
            let width = try? unsafe PaddedIDs.width(of: column.bytes, count: count)
        else { return false }
        for number in 0..<count {
            let (id, other) = (id(number), PaddedIDs.id(at: number, in: column, width: width))
            guard id.count == other.count else { return false }
            for index in id.indices where id[index] != other[index] { return false }
        }
        return true
    }

    /// The frames of the message that announces the dictionary to a daemon.
    public var frames: [[UInt8]] {
        var column: [UInt8] = []
        PaddedIDs.append(bytes.dropLast().split(separator: 0).map { Array($0) }, to: &column)
        return [BatchHeader(.dictionary, count: count, dictionary: hash).bytes, column]
    }
}
