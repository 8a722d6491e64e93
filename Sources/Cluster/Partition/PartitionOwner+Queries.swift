import Wire

/// Answers questions about the streams.
///
/// A question is answered from the table as it is, and the answer waits until the chain has the decisions on everything
/// that the table has applied. An owner that has lost the partition therefore never tells of a state whose decisions
/// NATS refuses.
extension PartitionOwner {
    /// The maximum number of questions that wait. Askers repeat questions that are not answered.
    private static let maximumQueries = 64

    /// Whether the owner takes another question: its streams are as new as the chain.
    package var takesQueries: Bool { answersQueries && queries.count < Self.maximumQueries }

    /// Whether the owner answers questions.
    package var answersQueries: Bool {
        guard table != nil, phase == .serving || phase == .draining, drainState != .settling else { return false }
        return position >= chain?.through ?? 0
    }

    /// Whether questions wait for ``workOnQueries(time:)``.
    package var hasQueries: Bool { !queries.isEmpty }

    /// Takes a question. ``PartitionEffect/answer(_:)`` answers it.
    package mutating func take(_ query: PartitionQuery) {
        if takesQueries { queries.append(query) }
    }

    /// Works on the oldest question, for less than about a millisecond.
    ///
    /// - Parameter time: The wall clock in nanoseconds since the Unix epoch.
    package mutating func workOnQueries(time: Int64) {
        guard let table, !queries.isEmpty else { return }
        guard let answered = table.workOn(&queries[0], time: time) else { return }
        queries.removeFirst()
        answerWhenWritten(answered)
    }

    /// Sends an answer once the chain has the decisions on everything that the table has applied.
    mutating func answerWhenWritten(_ answered: PartitionTable.Answered) {
        if !outbox.isEmpty {
            outbox.add(answered)
        } else if underWay != nil {
            underWay?.answers.append(answered)
        } else {
            effects.append(.answer(answered))
        }
    }
}
