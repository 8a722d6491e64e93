import Recurrent
public import Wire

/// Answers control requests about streams. Each request is answered between two timesteps.
extension StreamTable {
    /// Returns the status of one stream.
    ///
    /// - Parameters:
    ///   - id: The id of the stream.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The position and the last outputs of the stream.
    /// - Throws: ``StreamsError`` if the stream is unknown.
    public func status(of id: String, time: Int64) throws(StreamsError) -> StreamStatus {
        status(of: try slot(of: id), id: id, time: time)
    }

    /// Returns the status of several streams. Each id takes one lookup, no matter how many streams exist.
    ///
    /// - Parameters:
    ///   - ids: The ids, in any order.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The status of each known stream, in the order of `ids`.
    public func statuses(of ids: [String], time: Int64) -> [StreamStatus] {
        ids.compactMap { id in index.find(id.utf8.span).map { status(of: $0, id: id, time: time) } }
    }

    func status(of slot: Int, id: String, time: Int64) -> StreamStatus {
        let stream = streams[slot]
        let isShown = !stream.isAsleep && models[stream.model].hasOutputs(at: stream.step)
        let outputs = isShown ? memories[stream.model].outputs(of: stream.row) : []
        return StreamStatus(
            stream: id, model: models[stream.model].name, sequence: stream.sequence, step: stream.step,
            probability: StreamStatus.Probability(outputs),
            label: stream.label ?? 0, idleSeconds: Double(idleTime(of: slot, at: time)) / 1e9,
            paused: stream.isPaused, asleep: stream.isAsleep, waiting: waiting[slot]?.count ?? 0,
            tally: ledger.tally(of: slot))
    }

    /// Returns the number of paused streams in a selection.
    public func pausedCount(of selection: ControlCommand.Selection) -> Int {
        guard pausedCount > 0 else { return 0 }
        switch selection {
        case .stream(let id): return index.find(id.utf8.span).map { streams[$0].isPaused } == true ? 1 : 0
        case .prefix(let text):
            let prefix = Array(text.utf8)
            return index.slots.count {
                index.isTaken($0) && streams[$0].isPaused && index.id(of: $0).begins(with: prefix)
            }
        case .all: return pausedCount
        }
    }

    func slot(of id: String) throws(StreamsError) -> Int {
        guard let slot = index.find(id.utf8.span) else {
            throw StreamsError(.unknownStream, "no stream '\(id.shortened)'; run 'sluice streams' to list streams")
        }
        return slot
    }

    func slots(of selection: ControlCommand.Selection) throws(StreamsError) -> [Int] {
        switch selection {
        case .stream(let id): return [try slot(of: id)]
        case .prefix(let text):
            let prefix = Array(text.utf8)
            return index.slots.filter { index.isTaken($0) && index.id(of: $0).begins(with: prefix) }
        case .all: return index.slots.filter { index.isTaken($0) }
        }
    }
}

extension [Float] {
    /// Copies the elements of a span.
    init(copying span: Span<Float>) {
        self = unsafe span.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
