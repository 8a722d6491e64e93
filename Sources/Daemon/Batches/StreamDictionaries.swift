import Recurrent
import Wire

/// The streams of a dictionary, and their slots as far as they are known. The hot loop owns it.
final class NumberedStreams {
    private struct Slots: ~Copyable {
        /// The slot of each stream; ``unknown`` until it is noted.
        var slots: GrowingBuffer<UInt32>
        /// The number of removed streams when the slots were last valid; see `StreamTable.removals`.
        var removals: UInt64 = 0
    }

    private static let unknown = UInt32.max

    let dictionary: StreamDictionary
    private let known: Confined<Slots>

    init(_ dictionary: StreamDictionary) {
        self.dictionary = dictionary
        known = Confined(Slots(slots: GrowingBuffer(repeating: Self.unknown, count: dictionary.count)))
    }

    /// Returns the slot of a stream.
    ///
    /// - Parameters:
    ///   - number: The stream's number, below the number of ids.
    ///   - removals: The table's present number of removed streams. If it has changed, no slot is known any more,
    ///     because another stream may have taken it.
    /// - Returns: The slot; nil if it is not known.
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

/// The dictionaries that producers have announced.
struct StreamDictionaries {
    /// The maximum number of dictionaries. Beyond it, the one that was not used for the longest time is forgotten.
    static let maximumCount = 64

    /// The dictionaries, the last used one at the end.
    private var entries: [NumberedStreams]
    /// Whether the store has the same dictionaries, or will have them once a job that is under way has ended.
    private(set) var areStored = true

    /// - Parameter stored: The dictionaries in the store, the last one at the end.
    init(_ stored: [StreamDictionary]) {
        entries = stored.suffix(Self.maximumCount).map(NumberedStreams.init)
    }

    /// The number of dictionaries.
    var count: Int { entries.count }

    /// All dictionaries, the last used one at the end.
    var all: [StreamDictionary] { entries.map(\.dictionary) }

    /// Adds a dictionary that is not known yet.
    mutating func add(_ dictionary: StreamDictionary) {
        if entries.count == Self.maximumCount { entries.removeFirst() }
        entries.append(NumberedStreams(dictionary))
        areStored = false
    }

    /// Returns the dictionary with a hash; nil if there is none.
    mutating func find(_ hash: UInt64) -> NumberedStreams? {
        guard let index = entries.lastIndex(where: { $0.dictionary.hash == hash }) else { return nil }
        if index < entries.count - 1 { entries.append(entries.remove(at: index)) }
        return entries.last
    }

    mutating func beginStoring() { areStored = true }

    /// Records that the dictionaries must be stored, for example because that failed.
    mutating func mustBeStored() { areStored = false }
}
