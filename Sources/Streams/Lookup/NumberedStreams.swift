import Recurrent
public import Wire

/// The streams of a dictionary, with the slots that are already known. The object has the same owner as the table.
public final class NumberedStreams {
    private struct Slots: ~Copyable {
        /// The slot of each stream; ``unknown`` until it is noted.
        var slots: GrowingBuffer<UInt32>
        /// The number of removed streams when the slots were last valid; see ``StreamIndex/removals``.
        var removals: UInt64 = 0
    }

    private static let unknown = UInt32.max

    /// The ids of the streams.
    public let dictionary: StreamDictionary
    private let known: Confined<Slots>

    /// Creates the streams of a dictionary. No slot is known yet.
    public init(_ dictionary: StreamDictionary) {
        self.dictionary = dictionary
        known = Confined(Slots(slots: GrowingBuffer(repeating: Self.unknown, count: dictionary.count)))
    }

    /// Returns the slot of a stream.
    ///
    /// - Parameters:
    ///   - number: The stream's number, below the number of ids.
    ///   - removals: The current ``StreamIndex/removals``. If the number has changed, all known slots are forgotten,
    ///     because other streams may have taken them.
    /// - Returns: The slot; nil if it is not known.
    @inline(__always)
    func slot(of number: Int, removals: UInt64) -> Int? {
        if known.value.removals != removals { forget(removals) }
        let slot = known.value.slots[number]
        return slot == Self.unknown ? nil : Int(slot)
    }

    /// Notes the slot of a stream.
    func note(_ slot: Int, of number: Int) { known.value.slots[number] = UInt32(slot) }

    private func forget(_ removals: UInt64) {
        for number in 0..<known.value.slots.count { known.value.slots[number] = Self.unknown }
        known.value.removals = removals
    }
}
