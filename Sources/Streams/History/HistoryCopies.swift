public import Wire

/// Copies of histories, from which another thread builds the answer to a request.
public struct HistoryCopies: Sendable {
    struct Stream {
        let status: StreamStatus
        /// The threshold of the model's only output; nil if the model has several outputs.
        let threshold: Float?
        let history: CopiedHistory
    }

    /// The maximum total number of points in the copies, which bounds the time to make them.
    static let maximumPoints = 262_144

    let streams: [Stream]
    let points: Int
    let held: Int
    let bytes: Int
    let limitBytes: Int

    /// Builds the answer to a request.
    ///
    /// - Parameter since: The time in seconds since the Unix epoch after which points are included; nil for all.
    /// - Returns: The answer.
    public func answer(since: Double?) -> HistoryAnswer {
        HistoryAnswer(
            points: points, streams: streams.map { $0.answer(since: since) }, held: held, bytes: bytes,
            limitBytes: limitBytes)
    }
}

extension HistoryCopies.Stream {
    fileprivate func answer(since: Double?) -> StreamHistory {
        var answer = StreamHistory(status, threshold: threshold)
        for (point, milliseconds) in zip(history.points, history.times) {
            let time = Double(milliseconds) / 1_000
            if let since, time <= since { continue }
            if let kind = point.mark {
                answer.marks.append(HistoryMark(time: time, kind: kind))
            } else {
                answer.times.append(time)
                answer.probabilities.append(point.probability.isFinite ? point.probability : nil)
            }
        }
        // The outputs of a hibernating stream are in the store, but its last decision may be here.
        if status.asleep { answer.probability = history.points.last { $0.mark == nil }?.probability }
        return answer
    }
}
