import Recurrent
package import Streams
package import Wire

/// The streams of one partition, as a pure function of the partition's log.
///
///     log message ──apply──▶ StreamTable ──▶ items for the chain
///
/// The same log gives the same streams and the same items on every node that can serve the log's ``ServeRecord``. The
/// time of all decisions is the log's time. A table has one owner on one thread.
package final class PartitionTable {
    /// The record under which the log is served; nil before the first one.
    package internal(set) var serve: ServeRecord?
    /// The last sequence number of the log that was applied.
    package internal(set) var position: UInt64 = 0
    /// The streams.
    package internal(set) var streams: StreamTable
    /// The snapshots, as a function of the log.
    package internal(set) var snapshots = PartitionSnapshots()
    /// The number of malformed messages of the log, which changed nothing.
    package private(set) var malformed: UInt64 = 0

    let partition: Int
    /// The models that this node can serve, with all weights that it has read.
    package var offer: ServeOffer
    private var decided = DecidedBatch()

    /// Creates an empty table at the beginning of a log.
    ///
    /// - Parameters:
    ///   - partition: The partition.
    ///   - offer: The models that this node can serve.
    package init(partition: Int, offer: ServeOffer) {
        self.partition = partition
        self.offer = offer
        streams = StreamTable(models: offer.models)
        streams.maximumStreams = offer.record.maximumStreams
    }

    /// The number of timesteps applied since ``resetCounts()``.
    package var timesteps: UInt64 { streams.counters.timesteps }

    /// The counts since ``resetCounts()``.
    package var counts: PartitionCounts { PartitionCounts(counters: streams.counters, tallies: streams.modelTallies) }

    /// Counts from zero again.
    func resetCounts() { streams.resetCounters() }

    /// Applies the next message of the log.
    ///
    /// - Parameters:
    ///   - message: The message's payload.
    ///   - sequence: The message's sequence number, which must be the next one.
    ///   - time: The log's time of the message, in nanoseconds since the Unix epoch.
    ///   - items: The bytes to which the items for the chain are appended.
    /// - Returns: The answer to a control record that asked for one.
    /// - Throws: ``PartitionError`` if this node cannot serve the log from this message on. The table must then be
    ///   dropped.
    package func apply(
        _ message: Span<UInt8>, sequence: UInt64, time: Int64, into items: inout [UInt8]
    ) throws(PartitionError) -> Answered? {
        precondition(sequence == position + 1, "the log is applied without gaps")
        position = sequence
        streams.noteTime(time)
        let record: ControlRecord
        do throws(LogFormatError) {
            switch try unsafe LogMessage(message.bytes) {
            case .timesteps(let entries):
                guard serve != nil else { throw .early }
                apply(entries, of: message, time: time, into: &items)
                return nil
            case .control(let json):
                record = try JSONBytes.decode(ControlRecord.self, from: unsafe message.bytes.extracting(json))
                guard record.isSingle else { throw .json("a record has exactly one change") }
            }
        } catch {
            malformed += 1
            return nil
        }
        return try apply(record, time: time, into: &items)
    }

    private func apply(
        _ entries: [LogMessage.Entry], of message: Span<UInt8>, time: Int64, into items: inout [UInt8]
    ) {
        for entry in entries {
            do throws(DropCause) {
                while try !admit(entry, of: message) { decide(time, into: &items) }
            } catch {
                streams.countDrop(error)
            }
        }
        decide(time, into: &items)
        // Large messages are split into pieces that wait for their turn. The message is applied only with the last one.
        while streams.hasBacklog {
            streams.takeBacklog()
            decide(time, into: &items)
        }
    }

    private func admit(_ entry: LogMessage.Entry, of message: Span<UInt8>) throws(DropCause) -> Bool {
        let bytes = unsafe message.bytes
        return try streams.admit(
            frames: entry.header == nil ? 2 : 3, id: message.extracting(entry.id),
            payload: bytes.extracting(entry.payload), header: bytes.extracting(entry.header ?? 0..<0))
    }

    private func decide(_ time: Int64, into items: inout [UInt8]) {
        streams.stepBatch()
        streams.decideBatch(time: time, into: &decided)
        for message in 0..<decided.count {
            let slot = decided.slot(of: message)
            ChainItem.appendDecisions(
                model: streams.model(of: slot), id: streams.idBytes(of: slot), records: decided.records(of: message),
                to: &items)
        }
        for drop in decided.drops { streams.countDrop(drop.cause) }
        streams.countByModel(decided)
        streams.recordHistory(decided)
        decided.removeAll()
        takeEvents(into: &items)
    }

    /// Appends the events that the streams caused themselves, such as a state that became NaN.
    private func takeEvents(into items: inout [UInt8]) {
        guard streams.hasEvents else { return }
        for event in streams.takeEvents() { append(event, to: &items) }
    }
}
