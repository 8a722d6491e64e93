/// The decisions of one model on many streams, as the frames of one message in the codec `batch`. The buffers are
/// reused for the next message.
///
///     0 topic        a prefix and the model's name
///     1 ids          count × width bytes: the stream of each record, see PaddedIDs
///     2 records      count records of equal size, see Decision
public struct DecisionBatch: Sendable {
    /// The maximum number of records in a message.
    public static let maximumCount = BatchHeader.maximumCount
    /// The usual prefix of the topics.
    public static let topicPrefix = StreamID.ownTopics + "batch/"

    /// Bytes past ``idsEnd`` are left over from an earlier message. The same applies to `records`.
    private var ids: [UInt8] = []
    private var idsEnd = 0
    private var records: [UInt8] = []
    private var recordsEnd = 0
    /// The current width of the ids. The next message begins with the same width, because its ids are probably as long.
    private var width = 0
    /// The length of the longest id.
    private var longest = 0
    private var recordSize = 0
    /// The number of records.
    public private(set) var count = 0

    /// Creates an empty message.
    public init() {}

    /// Appends as many records of one stream as fit. None fit if their size differs from that of the earlier records.
    ///
    /// - Parameters:
    ///   - id: The stream, as a valid id.
    ///   - records: One or more whole records of one model, see ``DecisionRecords``.
    /// - Returns: The length of the appended records in bytes. If some records are left over, send the message before
    ///   you append them.
    public mutating func append(_ id: Span<UInt8>, _ records: Span<UInt8>) -> Int {
        let size = Decision.size(ofRecordIn: records)
        let length = min(records.count / size, Self.maximumCount - count) * size
        guard length > 0, var ids = append(records.extracting(..<length), longestID: id.count) else { return 0 }
        ids.append(id, count: length / size)
        return length
    }

    /// Appends records of several streams, if all of the records fit. None fit if their size differs from that of the
    /// earlier records.
    ///
    /// - Parameters:
    ///   - newRecords: One or more whole records of one model, see ``DecisionRecords``.
    ///   - longestID: The length of the longest id of the records' streams.
    /// - Returns: The space for the ids of the records, which the caller must fill; nil if the records do not fit.
    @_lifetime(&self)
    public mutating func append(_ newRecords: Span<UInt8>, longestID: Int) -> NewIDs? {
        let size = Decision.size(ofRecordIn: newRecords)
        if count == 0 { recordSize = size }
        let number = newRecords.count / size
        guard size == recordSize, count + number <= Self.maximumCount else { return nil }
        if longestID > width { widen(to: longestID) }
        longest = max(longest, longestID)
        appendRecords(newRecords)
        count += number
        let start = idsEnd
        idsEnd += number * width
        if idsEnd > ids.count { Self.grow(&ids, to: idsEnd) }
        return NewIDs(ids.mutableSpan, from: start, width: width)
    }

    /// The space for the ids of new records.
    public struct NewIDs: ~Copyable, ~Escapable {
        private var column: MutableSpan<UInt8>
        private let width: Int
        private var end: Int

        @_lifetime(copy column)
        fileprivate init(_ column: consuming MutableSpan<UInt8>, from start: Int, width: Int) {
            self.column = column
            self.width = width
            end = start
        }

        /// Appends the id of the next records.
        ///
        /// - Parameters:
        ///   - id: A valid id.
        ///   - count: The number of records, all of the same stream.
        @_lifetime(self: copy self)
        public mutating func append(_ id: Span<UInt8>, count: Int) {
            let (start, width) = (end, width)
            end += count * width
            unsafe column.withUnsafeMutableBufferPointer { column in
                unsafe id.withUnsafeBufferPointer { id in
                    for first in stride(from: start, to: end, by: width) {
                        unsafe _ = column[first..<(first + id.count)].update(fromContentsOf: id)
                        unsafe column[(first + id.count)..<(first + width)].update(repeating: 0)
                    }
                }
            }
        }
    }

    private mutating func appendRecords(_ bytes: Span<UInt8>) {
        let end = recordsEnd + bytes.count
        if end > records.count { Self.grow(&records, to: end) }
        unsafe records.withUnsafeMutableBufferPointer { records in
            unsafe bytes.withUnsafeBufferPointer { unsafe _ = records[recordsEnd..<end].update(fromContentsOf: $0) }
        }
        recordsEnd = end
    }

    @inline(never)
    private static func grow(_ bytes: inout [UInt8], to end: Int) {
        bytes.append(contentsOf: repeatElement(0, count: max(4096, end, 2 * bytes.count) - bytes.count))
    }

    /// Moves the ids apart, so that each place has room for a longer id.
    @inline(never)
    private mutating func widen(to newWidth: Int) {
        let end = count * newWidth
        if end > ids.count { Self.grow(&ids, to: end) }
        for number in (0..<count).reversed() {
            for offset in (0..<width).reversed() {
                ids[number * newWidth + offset] = ids[number * width + offset]
            }
            for offset in width..<newWidth { ids[number * newWidth + offset] = 0 }
        }
        width = newWidth
        idsEnd = end
    }

    /// Makes all ids as wide as the longest one. Call this after the last record, before the message is sent.
    public mutating func finish() {
        guard longest < width else { return }
        for number in 1..<max(count, 1) {
            for offset in 0..<longest { ids[number * longest + offset] = ids[number * width + offset] }
        }
        width = longest
        idsEnd = count * width
    }

    /// The second frame.
    public var idColumn: Span<UInt8> {
        @_lifetime(borrow self) get { ids.span.extracting(..<idsEnd) }
    }

    /// The third frame.
    public var recordColumn: Span<UInt8> {
        @_lifetime(borrow self) get { records.span.extracting(..<recordsEnd) }
    }

    /// Removes all records, but keeps the capacity.
    public mutating func removeAll() {
        idsEnd = 0
        recordsEnd = 0
        longest = 0
        count = 0
    }
}

extension DecisionBatch {
    /// The number of frames in a message.
    public static let frameCount = 3

    /// Reads the frames of a message after its topic.
    ///
    /// - Parameters:
    ///   - ids: The second frame.
    ///   - records: The third frame.
    /// - Returns: The records with the ids of their streams, in order.
    /// - Throws: ``DecisionError`` if the third frame does not consist of whole records, or if the second frame does
    ///   not have one id for each record.
    public static func read(
        ids: Span<UInt8>, records: RawSpan
    ) throws(DecisionError) -> [(id: [UInt8], decision: Decision)] {
        let decisions = try Decision.records(in: records)
        let width = ids.count / decisions.count
        guard (1...StreamID.maximumLength).contains(width), ids.count == width * decisions.count else {
            throw DecisionError(byteCount: ids.count, records: decisions.count)
        }
        return decisions.enumerated().map { number, decision in
            let id = PaddedIDs.id(at: number, in: ids, width: width)
            return (id.indices.map { id[$0] }, decision)
        }
    }
}
