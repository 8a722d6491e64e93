import Wire

/// New subscriptions to whose subscribers it is still to be told where streams stand. Owned by the hot loop.
///
/// libzmq sends to all that match and not to one of them: other subscribers get what is replayed too, which is why it is
/// marked.
struct Replays {
    /// Streams looked at in one turn of the loop: others' timesteps come between.
    static let slotsPerTurn = 1024
    /// Subscriptions that wait before they are answered as one.
    private static let maximumWaiting = 100
    /// How long it is waited for a subscriber that has no room. After that, what it has no room for it misses.
    private static let patience = Duration.seconds(1)

    private struct Replay {
        let prefix: [UInt8]
        /// The slot of the stream that is next.
        var next = 0
    }

    private let areOn: Bool
    private var waiting: [Replay] = []
    /// Since when a subscriber has had no room.
    private var stalled: ContinuousClock.Instant?

    init(areOn: Bool) {
        self.areOn = areOn
    }

    var areWaiting: Bool { !waiting.isEmpty }

    /// How long the hot loop may wait for other things to do; nil: for ever.
    var millisecondsUntilDue: Int? {
        guard areWaiting else { return nil }
        return stalled != nil && isPatient ? 1 : 0
    }

    /// Whether to wait for a subscriber that has no room.
    var isPatient: Bool { stalled.map { ContinuousClock.now < $0 + Self.patience } ?? true }

    /// Notes a subscription.
    ///
    /// - Parameter topic: What it is for: the beginning of streams' ids, or a topic that is none of them.
    mutating func add(_ topic: [UInt8]) {
        guard areOn, !topic.starts(with: StreamID.reservedPrefix.utf8) else { return }
        // One that has not begun serves all of its subscribers.
        guard !waiting.contains(where: { $0.next == 0 && $0.prefix == topic }) else { return }
        waiting.append(Replay(prefix: topic))
        if waiting.count > Self.maximumWaiting { waiting = [Replay(prefix: [])] }
    }

    /// What is to be replayed now.
    var current: (prefix: [UInt8], slot: Int)? { waiting.first.map { ($0.prefix, $0.next) } }

    /// Notes how far the current replay has come.
    ///
    /// - Parameters:
    ///   - slot: Where it goes on; nil: it is done.
    ///   - hasStalled: A subscriber had no room.
    mutating func goOn(at slot: Int?, hasStalled: Bool) {
        if let slot { waiting[0].next = slot } else { waiting.removeFirst() }
        if hasStalled {
            stalled = stalled ?? .now
        } else if slot == nil || isPatient {
            stalled = nil
        }
    }
}
