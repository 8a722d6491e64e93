import FoundationEssentials
import Streams
package import Wire

/// Carries out the control records of a log.
extension PartitionTable {
    /// The answer to a control record or to a question.
    package struct Answered: Equatable, Sendable {
        /// The subject to which the answer goes.
        package let reply: String
        /// The answer as JSON: a ``ControlAnswer``, or the reply to a ``PartitionQuery``.
        package let json: [UInt8]
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
        answer.position = position
        do throws(ControlError) {
            if let snapshot = record.snapshot, serve != nil {
                try take(snapshot, time: time, reply: record.reply)
                // The answer waits until the image is stored.
                return nil
            }
            answer.count = try change(record, time: time, into: &items)
        } catch {
            answer.refusal = error
        }
        return record.reply.map { Answered(reply: $0, json: JSONBytes.encode(answer)) }
    }

    /// Serves the log under a record, if this node can.
    func begin(_ record: ServeRecord) throws(PartitionError) {
        if let misfit = offer.record.misfit(to: record) { throw PartitionError(.cannotServe, misfit) }
        for (index, model) in record.models.enumerated() where streams.models[index].fingerprint != model.fingerprint {
            guard let served = offer.served(Weights(model: index, model.fingerprint)) else {
                preconditionFailure("the weights are read before the record that serves them")
            }
            guard streams.count == 0, (try? streams.beginReload(index, with: served, resetting: true)) != nil else {
                throw PartitionError(
                    .cannotServe, "the log has streams of '\(model.name)' with other weights than it says")
            }
            while !streams.sweep(limit: .max) {}
        }
        serve = record
    }

    /// - Returns: The number of changed streams.
    /// - Throws: ``ControlError`` if the streams refuse the change. Nothing has changed then.
    private func change(
        _ record: ControlRecord, time: Int64, into items: inout [UInt8]
    ) throws(ControlError) -> Int {
        guard serve != nil else { return 0 }
        if let selection = record.reset?.selection {
            return try carryOut(.reset, on: selection, event: .reset, time: time, into: &items)
        }
        if let selection = record.remove?.selection {
            return try carryOut(.remove, on: selection, event: .removed, time: time, into: &items)
        }
        if let export = record.import {
            try add(try export.image(), time: time, into: &items)
            return 1
        }
        if let record = record.reload { return try reload(record, time: time, into: &items) }
        if let idle = record.forget { return try forget(idle, time: time, into: &items) }
        if let snapshot = record.restore { return try restore(snapshot, time: time, into: &items) }
        if let snapshot = record.deleteSnapshot { try delete(snapshot) }
        return 0
    }

    private func add(_ image: StreamImage, time: Int64, into items: inout [UInt8]) throws(ControlError) {
        guard (try? streams.status(of: image.id, time: 0)) == nil else {
            throw ControlError(
                .invalidParams, "stream '\(image.id)' exists already; remove it first, or give another id as 'as'")
        }
        try answering { () throws(StreamsError) in try streams.restore([image]) }
        append(StreamEvent(.restored, .stream(image.id), time: time), to: &items)
    }

    private func forget(
        _ idle: [ControlRecord.IdleStream], time: Int64, into items: inout [UInt8]
    ) throws(ControlError) -> Int {
        var count = 0
        for stream in idle where streams.statuses(of: [stream.stream], time: 0).first?.sequence == stream.sequence {
            count += try carryOut(
                .remove, on: .stream(stream.stream), event: .forgotten, time: time, into: &items)
        }
        return count
    }

    private func carryOut(
        _ operation: StreamOperation, on selection: ControlCommand.Selection, event: StreamEvent.Kind, time: Int64,
        into items: inout [UInt8]
    ) throws(ControlError) -> Int {
        let count = try answering { () throws(StreamsError) in try streams.begin(operation, on: selection) }
        while !streams.sweep(limit: .max) {}
        if count > 0 { append(StreamEvent(event, selection, count: count, time: time), to: &items) }
        return count
    }

    func append(_ event: StreamEvent, to items: inout [UInt8]) {
        ChainItem.append(event: JSONBytes.encode(event), to: &items)
    }
}

extension ControlRecord {
    /// Whether the record has exactly one change. Anyone who may write to a log may write another record.
    package var isSingle: Bool {
        let changes = [
            serve != nil, reset != nil, remove != nil, `import` != nil, reload != nil, forget != nil, snapshot != nil,
            restore != nil, deleteSnapshot != nil,
        ]
        return changes.count { $0 } == 1
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
