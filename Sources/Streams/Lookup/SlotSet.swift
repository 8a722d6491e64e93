import Recurrent

/// A set of slots, stored as one bit per slot. Insertion is cheap enough for the hot path, and iteration is in
/// ascending order.
struct SlotSet: ~Copyable {
    private static let bitsPerWord = UInt64.bitWidth

    private var words = GrowingBuffer<UInt64>()

    /// The number of slots in the set. Takes linear time.
    var count: Int {
        var count = 0
        for word in 0..<words.count { count += words[word].nonzeroBitCount }
        return count
    }

    /// Adds a slot. Allocates only if the slot is higher than all previous ones.
    @inline(__always)
    mutating func insert(_ slot: Int) {
        // With unsigned numbers, the division becomes a shift.
        let (word, bit) = UInt(slot).quotientAndRemainder(dividingBy: UInt(Self.bitsPerWord))
        while Int(word) >= words.count { words.append(0) }
        words[Int(word)] |= 1 &<< UInt64(bit)
    }

    func contains(_ slot: Int) -> Bool {
        let (word, bit) = slot.quotientAndRemainder(dividingBy: Self.bitsPerWord)
        return word < words.count && words[word] & (1 << UInt64(bit)) != 0
    }

    mutating func remove(_ slot: Int) {
        let (word, bit) = slot.quotientAndRemainder(dividingBy: Self.bitsPerWord)
        guard word < words.count else { return }
        words[word] &= ~(1 << UInt64(bit))
    }

    /// Removes the smallest slots of the set.
    ///
    /// - Parameter limit: The maximum number of slots to remove.
    /// - Returns: The removed slots.
    mutating func take(_ limit: Int) -> [UInt32] {
        var slots: [UInt32] = []
        var next = first(from: 0)
        while let slot = next, slots.count < limit {
            slots.append(UInt32(slot))
            remove(slot)
            next = first(from: slot + 1)
        }
        return slots
    }

    /// The smallest slot at or above `slot`; nil if there is none.
    func first(from slot: Int) -> Int? {
        var (word, bit) = slot.quotientAndRemainder(dividingBy: Self.bitsPerWord)
        while word < words.count {
            let rest = words[word] >> UInt64(bit)
            if rest != 0 { return word * Self.bitsPerWord + bit + rest.trailingZeroBitCount }
            word += 1
            bit = 0
        }
        return nil
    }
}
