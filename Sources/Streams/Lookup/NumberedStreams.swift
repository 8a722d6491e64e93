import Recurrent
public import Wire

/// The streams of a dictionary, and their slots as far as they are known. The table's owner owns it.
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
    ///   - removals: The index's present number of removed streams. If it has changed, no slot is known any more,
    ///     because another stream may have taken it.
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
