import Wire

/// New subscriptions whose subscribers still need the last values of their streams. Owned by the hot loop.
///
/// libzmq sends a message to all matching subscribers, not to one of them. Other subscribers therefore receive the last values
/// too, and a flag marks these decisions.
struct Replays {
    /// The number of slots that one turn of the loop looks at, so that timesteps of other streams are not held up.
    static let slotsPerTurn = 1024
    /// The number of subscriptions that may wait. Beyond this number, one pass over all streams serves all of them.
    private static let maximumWaiting = 100
    /// The longest time to wait for a subscriber without room. After this time the subscriber misses last values.
    private static let patience = Duration.seconds(1)

    private struct Replay {
        let prefix: [UInt8]
        /// The slot of the next stream.
        var next = 0
    }

    private let areOn: Bool
    private var waiting: [Replay] = []
    /// The time since which a subscriber has had no room.
    private var stalled: ContinuousClock.Instant?

    init(areOn: Bool) {
        self.areOn = areOn
    }

    var areWaiting: Bool { !waiting.isEmpty }

    /// The milliseconds until there is something to send; nil if no subscription waits.
    var millisecondsUntilDue: Int? {
        guard areWaiting else { return nil }
        return stalled != nil && isPatient ? 1 : 0
    }

    /// Whether to wait for a subscriber without room.
    var isPatient: Bool { stalled.map { ContinuousClock.now < $0 + Self.patience } ?? true }

    /// Adds a subscription.
    ///
    /// - Parameter topic: The topic: a prefix of stream ids, or a topic that no stream has.
    mutating func add(_ topic: [UInt8]) {
        guard areOn, !topic.starts(with: StreamID.reservedPrefix.utf8) else { return }
        // A pass that has not begun yet serves all subscribers of its prefix.
        guard !waiting.contains(where: { $0.next == 0 && $0.prefix == topic }) else { return }
        waiting.append(Replay(prefix: topic))
        if waiting.count > Self.maximumWaiting { waiting = [Replay(prefix: [])] }
    }

    /// The prefix and the next slot of the current pass.
    var current: (prefix: [UInt8], slot: Int)? { waiting.first.map { ($0.prefix, $0.next) } }

    /// Records the progress of the current pass.
    ///
    /// - Parameters:
    ///   - slot: The slot at which the pass continues; nil: the pass is complete.
    ///   - hasStalled: Whether a subscriber had no room.
    mutating func goOn(at slot: Int?, hasStalled: Bool) {
        if let slot { waiting[0].next = slot } else { waiting.removeFirst() }
        if hasStalled {
            stalled = stalled ?? .now
        } else if slot == nil || isPatient {
            stalled = nil
        }
    }
}
