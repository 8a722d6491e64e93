import Recurrent
import Wire

/// The frames of a load's messages. They are built in advance, so that the measurement covers only the sending.
///
/// A message has one entry, or the number in the plan if the codec is `batch`. The entries of successive messages go
/// through the streams in order, and return to the first stream after the last. A message may therefore begin at any
/// stream, so the columns repeat their first elements at the end.
struct Load: Sendable {
    /// The number of different rows of values. It is prime, so that a stream does not keep getting the same values.
    static let rowCount = 1021

    private let entries: Int
    private let streams: Int
    /// The names of the streams: ids or, with a dictionary, numbers.
    private let names: Column
    /// The rows of values, which the entries use in turn.
    private let rows: Column
    private let type: BatchHeader.ValueType

    /// The first frame of every message in the codec `batch`; nil for the codec `binary`.
    let header: [UInt8]?
    /// The frames of the message that announces the dictionary; nil if messages have ids.
    let announcement: [[UInt8]]?

    /// Elements of equal length in one buffer.
    private struct Column: Sendable {
        let bytes: [UInt8]
        let width: Int

        @_lifetime(borrow self)
        func elements(from first: Int, count: Int) -> Span<UInt8> {
            bytes.span.extracting((first * width)..<((first + count) * width))
        }
    }

    /// Creates a load. Equal parameters give equal loads.
    ///
    /// - Parameters:
    ///   - plan: The plan, which sets the streams and the numbers of entries and timesteps in one message.
    ///   - features: The number of floats in one timestep.
    ///   - vocabulary: The size of the vocabulary, if a timestep is a token.
    ///   - seed: The seed of the values.
    /// - Throws: `DropCause` if the plan uses numbers but its ids are not valid in a dictionary.
    init(_ plan: BenchPlan, features: Int, vocabulary: Int? = nil, seed: UInt64 = 1) throws(DropCause) {
        entries = plan.streamsPerMessage
        streams = plan.streams
        type = vocabulary == nil ? .float32 : .int32
        let dictionary = plan.usesNumbers ? try StreamDictionary(ids: (0..<streams).map { plan.id($0) }) : nil
        announcement = dictionary?.frames
        header =
            entries == 1
            ? nil
            : BatchHeader(
                dictionary == nil ? .ids : .numbers, type: type, count: entries, dictionary: dictionary?.hash ?? 0
            ).bytes
        names = Self.names(plan, areNumbers: dictionary != nil)
        rows = Self.rows(plan.timesteps * features, entries: entries, vocabulary: vocabulary, seed: seed)
    }

    private static func names(_ plan: BenchPlan, areNumbers: Bool) -> Column {
        let order = (0..<(plan.streams + plan.streamsPerMessage - 1)).map { $0 % plan.streams }
        return areNumbers
            ? Column(
                bytes: Timesteps.bytes(tokens: order.map { Int32($0) }), width: MemoryLayout<UInt32>.size)
            : Column(bytes: order.flatMap { plan.id($0) }, width: plan.idLength)
    }

    private static func rows(_ values: Int, entries: Int, vocabulary: Int?, seed: UInt64) -> Column {
        var generator = SplitMix64(seed: seed)
        let count = rowCount * values
        let width = values * MemoryLayout<Float>.size
        let bytes =
            if let vocabulary {
                Timesteps.bytes(
                    tokens: (0..<count).map { _ in .random(in: 0..<Int32(vocabulary), using: &generator) })
            } else {
                Timesteps.bytes((0..<count).map { _ in .random(in: -1...1, using: &generator) })
            }
        let order = (0..<(rowCount + entries - 1)).map { $0 % rowCount }
        return Column(bytes: order.flatMap { bytes[($0 * width)..<(($0 + 1) * width)] }, width: width)
    }

    /// Returns the names of a message's streams, which are the first frame, or the second frame in the codec `batch`.
    @_lifetime(borrow self)
    func names(_ message: Int) -> Span<UInt8> {
        names.elements(from: message * entries % streams, count: entries)
    }

    /// Returns the values of a message, which are the second frame, or the third frame in the codec `batch`.
    @_lifetime(borrow self)
    func values(_ message: Int) -> Span<UInt8> {
        rows.elements(from: message * entries % Self.rowCount, count: entries)
    }

    /// Returns the frames of a message for a stream that is not part of the load.
    func frames(id: [UInt8]) -> [[UInt8]] {
        let row = Array(copying: rows.elements(from: 0, count: 1))
        return header == nil ? [id, row] : [BatchHeader(.ids, type: type, count: 1).bytes, id, row]
    }
}

extension BenchPlan {
    /// The length of every stream's id, in bytes.
    fileprivate var idLength: Int { prefix.utf8.count + "\(streams - 1)".utf8.count }

    /// Returns the id of a stream, with its number padded with zeros.
    fileprivate func id(_ stream: Int) -> [UInt8] {
        let number = "\(stream)"
        let zeros = idLength - prefix.utf8.count - number.utf8.count
        return Array("\(prefix)\(String(repeating: "0", count: zeros))\(number)".utf8)
    }
}
