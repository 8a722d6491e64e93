/// The new subscriptions for which last values must still be sent. The hot loop owns them.
///
/// libzmq can only publish to all subscribers of a stream, not to a single one, so other subscribers receive the last
/// values too. For this reason, the records of last values are marked as replayed.
struct LastValues {
    /// The number of slots to visit in each turn of the loop, so that timesteps are handled in between.
    static let slotsPerTurn = 1024
    /// The maximum number of waiting subscriptions. Beyond this number, a single pass over all streams serves all
    /// subscriptions.
    private static let maximumWaiting = 100
    /// The maximum time to wait for a subscriber whose queue is full, in nanoseconds. After that, the subscriber misses
    /// values.
    private static let patience: Int64 = 1_000_000_000

    private struct Subscription {
        let prefix: [UInt8]
        /// The slot of the next stream.
        var next = 0
    }

    private let isOn: Bool
    private var waiting: [Subscription] = []
    /// The ``SteadyClock`` time at which a subscriber's queue became full; nil if no queue is full.
    private var stalledSince: Int64?

    init(isOn: Bool) {
        self.isOn = isOn
    }

    /// Whether any subscription is waiting for values.
    var areWaiting: Bool { !waiting.isEmpty }

    /// Returns the time until there is something to send, in milliseconds; nil if no subscription is waiting. `now` is
    /// the current time of the ``SteadyClock``.
    func millisecondsUntilDue(at now: Int64) -> Int? {
        guard areWaiting else { return nil }
        return stalledSince != nil && isPatient(at: now) ? 1 : 0
    }

    /// Whether to wait longer for a subscriber whose queue is full. `now` is the current time of the ``SteadyClock``.
    func isPatient(at now: Int64) -> Bool { stalledSince.map { now < $0 + Self.patience } ?? true }

    /// Adds a subscription.
    ///
    /// - Parameter topic: The prefix of stream ids or, in the codec `batch`, of topics.
    mutating func add(_ topic: [UInt8]) {
        guard isOn else { return }
        // A pass that has not begun yet will serve all subscribers to the topic.
        guard !waiting.contains(where: { $0.next == 0 && $0.prefix == topic }) else { return }
        waiting.append(Subscription(prefix: topic))
        if waiting.count > Self.maximumWaiting { waiting = [Subscription(prefix: [])] }
    }

    /// The prefix of the streams whose values are next, and the slot to continue from; nil if no subscription is
    /// waiting.
    var current: (prefix: [UInt8], slot: Int)? { waiting.first.map { ($0.prefix, $0.next) } }

    /// Records the progress of the current subscription.
    ///
    /// - Parameters:
    ///   - slot: The slot of the next stream; nil after the last stream.
    ///   - hasStalled: Whether a subscriber's queue was full.
    ///   - now: The current time of the ``SteadyClock``.
    mutating func advance(to slot: Int?, hasStalled: Bool, at now: Int64) {
        if let slot { waiting[0].next = slot } else { waiting.removeFirst() }
        if hasStalled {
            stalledSince = stalledSince ?? now
        } else if slot == nil || isPatient(at: now) {
            stalledSince = nil
        }
    }
}
