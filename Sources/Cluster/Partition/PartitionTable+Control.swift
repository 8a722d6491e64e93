import FoundationEssentials
import Streams
package import Wire

/// Carries out the control records of a log.
extension PartitionTable {
    /// A change that a control record asked for, and its answer.
    package struct Answered: Equatable, Sendable {
        /// The subject to which the answer goes.
        package let reply: String
        /// The answer.
        package let answer: ControlAnswer
    }

    /// Carries out a record.
    ///
    /// - Returns: The answer, if the record asks for one.
    /// - Throws: ``PartitionError`` if this node cannot serve the log from this record on.
    func apply(
        _ record: ControlRecord, time: Int64, into items: inout [UInt8]
    ) throws(PartitionError) -> Answered? {
        if let serve = record.serve { try begin(serve) }
        var answer = ControlAnswer(partition: partition, count: 0)
        do throws(StreamsError) {
            answer.count = try change(record, time: time, into: &items)
        } catch {
            answer.refusal = error.description
        }
        return record.reply.map { Answered(reply: $0, answer: answer) }
    }

    /// Serves the log under a record, if this node can.
    func begin(_ record: ServeRecord) throws(PartitionError) {
        if let misfit = offer.record.misfit(to: record) { throw PartitionError(.cannotServe, misfit) }
        serve = record
    }

    /// - Returns: The number of changed streams.
    private func change(
        _ record: ControlRecord, time: Int64, into items: inout [UInt8]
    ) throws(StreamsError) -> Int {
        guard serve != nil else { return 0 }
        if let selection = record.reset?.selection {
            return try carryOut(.reset, on: selection, event: .reset, time: time, into: &items)
        }
        if let selection = record.remove?.selection {
            return try carryOut(.remove, on: selection, event: .removed, time: time, into: &items)
        }
        if let image = record.import.flatMap({ try? $0.image() }) {
            try streams.restore([image])
            append(StreamEvent(.restored, .stream(image.id), time: time), to: &items)
            return 1
        }
        return 0
    }

    private func carryOut(
        _ operation: StreamOperation, on selection: ControlCommand.Selection, event: StreamEvent.Kind, time: Int64,
        into items: inout [UInt8]
    ) throws(StreamsError) -> Int {
        let count = try streams.begin(operation, on: selection)
        while !streams.sweep(limit: .max) {}
        if count > 0 { append(StreamEvent(event, selection, count: count, time: time), to: &items) }
        return count
    }

    func append(_ event: StreamEvent, to items: inout [UInt8]) {
        ChainItem.append(event: JSONBytes.encode(event), to: &items)
    }
}

/// JSON of the values in logs and chains.
package enum JSONBytes {
    /// Writes a value. Members are sorted, so equal values give equal bytes.
    package static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { preconditionFailure("strings and whole numbers are JSON") }
        return Array(data)
    }

    /// Reads a value.
    ///
    /// - Throws: ``LogFormatError`` if the bytes are not JSON of such a value.
    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: RawSpan) throws(LogFormatError)
        -> Value
    {
        do {
            return try JSONDecoder().decode(type, from: unsafe bytes.withUnsafeBytes { unsafe Data($0) })
        } catch {
            throw .json("\(error)")
        }
    }
}
