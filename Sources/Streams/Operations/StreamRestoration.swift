/// The progress of restoring the streams of a snapshot, all or none. The streams' values arrive a few at a time.
///
///     none ──▶ checking: each is found to fit, and is journaled ──▶ effective: each is restored when its values arrive
struct StreamRestoration: ~Copyable {
    enum Stage { case none, checking, effective }

    /// The number of streams with waiting timesteps above which no more timesteps are accepted.
    private static let mostAwaited = 16_384

    var stage = Stage.none
    /// The slots of the snapshot's streams that are in the table. Existing streams are added at the check, new streams
    /// when a timestep arrives for them.
    var slots = SlotSet()
    /// The ids of the streams that were not in the table when they were checked.
    var newIDs = StreamIndex()
    /// The number of new streams that the table still lacks.
    var newCount = 0
    /// The number of streams that are still to be restored.
    var left = 0
    /// The slots of streams whose values are needed first and have not been requested yet.
    var requests: [UInt32] = []
    /// The approximate number of streams with waiting timesteps.
    var awaited = 0
    /// Whether the store cannot be read for now. If so, other streams must not wait for it.
    var isStuck = false

    var isBegun: Bool { stage != .none }

    /// The number of new streams to keep room for, because they belong to a restoration that has taken effect.
    var streamsToCome: Int { stage == .effective ? newCount : 0 }

    /// Whether so many streams have waiting timesteps that no more timesteps should be accepted.
    var isFull: Bool { awaited > Self.mostAwaited && !isStuck }

    /// Whether the restoration that has taken effect includes a stream that the table lacks.
    func brings(_ id: Span<UInt8>) -> Bool { streamsToCome > 0 && newIDs.find(id) != nil }

    /// Whether the restoration includes a stream of the table, whether or not the stream is restored already.
    func has(_ slot: Int, _ id: Span<UInt8>) -> Bool {
        slots.contains(slot) || (newIDs.count > 0 && newIDs.find(id) != nil)
    }
}
