/// Which streams are being put as a snapshot has them, all or none, and how far that is. Their values come some at a time.
///
///     none ──▶ checking: each is found to fit, and is in the journal ──▶ effective: each is put when its values come
struct StreamRestoration: ~Copyable {
    enum Stage { case none, checking, effective }

    /// With more streams that timesteps wait for, no more timesteps are taken in.
    private static let mostAwaited = 16_384

    var stage = Stage.none
    /// Slots of those that the table has: it had them when they were checked, or a timestep came for them since.
    var slots = SlotSet()
    /// Ids of those that the table did not have when they were checked.
    var newIDs = StreamIndex()
    /// How many of the new ones the table still does not have.
    var newCount = 0
    /// How many are not put yet.
    var left = 0
    /// Slots of those whose values are needed before the others', and were not asked for.
    var requests: [UInt32] = []
    /// For about how many streams timesteps wait.
    var awaited = 0
    /// The store cannot be read for now, so that nobody else should wait for it.
    var isStuck = false

    var isBegun: Bool { stage != .none }

    /// New streams for which there must be room, since they come with the restoration that has taken effect.
    var streamsToCome: Int { stage == .effective ? newCount : 0 }

    /// Whether so many timesteps wait for their streams that no more should be taken in.
    var isFull: Bool { awaited > Self.mostAwaited && !isStuck }

    /// Whether a stream that the table does not have comes with the restoration that has taken effect.
    func brings(_ id: Span<UInt8>) -> Bool { streamsToCome > 0 && newIDs.find(id) != nil }

    /// Whether a stream that the table has is among them, be it put or not.
    func has(_ slot: Int, _ id: Span<UInt8>) -> Bool {
        slots.contains(slot) || (newIDs.count > 0 && newIDs.find(id) != nil)
    }
}
