import Synchronization

/// Asks the hot loop how it stands, for those who must not wait for ever: HTTP requests.
///
/// One letter is on its way at a time; whoever asks meanwhile shares its answer, so that a loop that stands still is not
/// buried in letters.
actor HotLoopProbe {
    private let mailbox: Mailbox
    private let hasBegun = Atomic<Bool>(false)
    private var isAsked = false
    private var askers: [Int: AsyncStream<DaemonMetrics>.Continuation] = [:]
    private var lastAsker = 0

    init(_ mailbox: Mailbox) {
        self.mailbox = mailbox
    }

    /// State is still being loaded: there is no loop yet that could answer.
    nonisolated var isLoading: Bool { !hasBegun.load(ordering: .acquiring) }

    /// The hot loop is there. From any thread.
    nonisolated func begin() { hasBegun.store(true, ordering: .releasing) }

    /// How the hot loop stands now.
    ///
    /// - Parameter bound: How long it may take to answer.
    /// - Returns: Nil where it did not answer in time.
    func metrics(within bound: Duration) async -> DaemonMetrics? {
        let (answers, asker) = AsyncStream.makeStream(of: DaemonMetrics.self)
        lastAsker += 1
        let number = lastAsker
        askers[number] = asker
        defer { askers[number] = nil }
        if !isAsked {
            isAsked = true
            mailbox.post { loop in
                let metrics = loop.metrics
                Task { await self.answer(metrics) }
            }
        }
        return await withTaskGroup(of: DaemonMetrics?.self) { group in
            defer { group.cancelAll() }
            group.addTask { await answers.first { _ in true } }
            group.addTask {
                try? await Task.sleep(for: bound)
                return nil
            }
            return await group.next() ?? nil
        }
    }

    private func answer(_ metrics: DaemonMetrics) {
        isAsked = false
        for asker in askers.values { asker.yield(metrics) }
    }
}
