/// The progress of restoring the streams of a snapshot. Either all of the streams are restored or none. The values
/// arrive a few streams at a time.
///
///     none ──▶ checking: each is found to fit, and is journaled ──▶ effective: each is restored when its values arrive
struct StreamRestoration: ~Copyable {
    enum Stage { case none, checking, effective }

    /// The number of streams with waiting timesteps above which no more timesteps are accepted.
    private static let mostAwaited = 16_384

    var stage = Stage.none
    /// The slots of the snapshot's streams that are in the table. Existing streams are added when they are checked. New
    /// streams are added when their first timestep arrives.
    var slots = SlotSet()
    /// The ids of the streams that were not in the table at the time of the check.
    var newIDs = StreamIndex()
    /// The number of new streams that are not in the table yet.
    var newCount = 0
    /// The number of streams that have not been restored yet.
    var left = 0
    /// The slots of streams whose values are needed first and have not been requested yet.
    var requests: [UInt32] = []
    /// The approximate number of streams with waiting timesteps.
    var awaited = 0
    /// Whether the store is currently unreadable. If so, the restoration must not hold up other streams.
    var isStuck = false

    var isBegun: Bool { stage != .none }

    /// The number of new streams for which the table must keep room, because their restoration has taken effect.
    var streamsToCome: Int { stage == .effective ? newCount : 0 }

    /// Whether no more timesteps should be accepted, because too many streams have waiting timesteps.
    var isFull: Bool { awaited > Self.mostAwaited && !isStuck }

    /// Whether the stream is still missing from the table and belongs to a restoration that has taken effect.
    func brings(_ id: Span<UInt8>) -> Bool { streamsToCome > 0 && newIDs.find(id) != nil }

    /// Whether the restoration includes a stream of the table, even if the stream has already been restored.
    func has(_ slot: Int, _ id: Span<UInt8>) -> Bool {
        slots.contains(slot) || (newIDs.count > 0 && newIDs.find(id) != nil)
    }
}
