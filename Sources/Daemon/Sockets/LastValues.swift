import Wire

/// The new subscriptions for which last values must still be sent. Owned by the hot loop.
///
/// libzmq publishes to all subscribers of a stream, not to a single one. Other subscribers receive the last values too.
/// The records of last values are therefore marked as replayed.
struct LastValues {
    /// The number of slots visited per turn of the loop. Between turns, the loop handles timesteps.
    static let slotsPerTurn = 1024
    /// The number of waiting subscriptions beyond which one pass over all streams serves all of them.
    private static let maximumWaiting = 100
    /// Nanoseconds to wait for a subscriber whose queue is full. After that, the subscriber misses values.
    private static let patience: Int64 = 1_000_000_000

    private struct Subscription {
        let prefix: [UInt8]
        /// The slot of the next stream.
        var next = 0
    }

    private let isOn: Bool
    private var waiting: [Subscription] = []
    /// The moment at which a subscriber's queue became full; nil if no queue is full.
    private var stalledSince: Int64?

    init(isOn: Bool) {
        self.isOn = isOn
    }

    /// Whether a subscription waits for values.
    var areWaiting: Bool { !waiting.isEmpty }

    /// The milliseconds until there is something to send; nil if no subscription waits. `now` is a moment of the
    /// ``SteadyClock``.
    func millisecondsUntilDue(at now: Int64) -> Int? {
        guard areWaiting else { return nil }
        return stalledSince != nil && isPatient(at: now) ? 1 : 0
    }

    /// Whether to wait for a subscriber whose queue is full. `now` is a moment of the ``SteadyClock``.
    func isPatient(at now: Int64) -> Bool { stalledSince.map { now < $0 + Self.patience } ?? true }

    /// Adds a subscription.
    ///
    /// - Parameter topic: A prefix of stream ids, or a topic that no stream has.
    mutating func add(_ topic: [UInt8]) {
        guard isOn, !topic.starts(with: StreamID.reservedPrefix.utf8) else { return }
        // A pass that has not begun yet serves all subscribers of the topic.
        guard !waiting.contains(where: { $0.next == 0 && $0.prefix == topic }) else { return }
        waiting.append(Subscription(prefix: topic))
        if waiting.count > Self.maximumWaiting { waiting = [Subscription(prefix: [])] }
    }

    /// The streams whose values are due; nil if no subscription waits.
    var current: (prefix: [UInt8], slot: Int)? { waiting.first.map { ($0.prefix, $0.next) } }

    /// Records the progress of the current subscription.
    ///
    /// - Parameters:
    ///   - slot: The slot of the next stream; nil if all streams are done.
    ///   - hasStalled: Whether a subscriber's queue was full.
    ///   - now: A moment of the ``SteadyClock``.
    mutating func advance(to slot: Int?, hasStalled: Bool, at now: Int64) {
        if let slot { waiting[0].next = slot } else { waiting.removeFirst() }
        if hasStalled {
            stalledSince = stalledSince ?? now
        } else if slot == nil || isPatient(at: now) {
            stalledSince = nil
        }
    }
}
