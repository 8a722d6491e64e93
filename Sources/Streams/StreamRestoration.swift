import Recurrent
import Wire

/// Streams that are put as a snapshot has them, all or none, some at a time.
///
///     entries:  0 … checked: fit, and are in the journal | … count
///     then:     0 … next: looked at | next … count          those that a timestep needed first are put already
public struct StreamRestoration: Sendable {
    let slice: StreamSlice
    /// How many entries were found to fit.
    var checked = 0
    /// How many of them are of streams that were not there when they were checked.
    var newCount = 0
    /// Which of the table's models each entry goes to.
    var models: [UInt16] = []
    /// The first entry that was not looked at for being put.
    var next = 0
    private var isPut: [Bool]
    /// The numbers of entries by a hash of their ids, in a table with open addressing. A power of two, at least twice as many.
    private var numbers: [UInt32]

    /// Streams to put in place. Takes as long as there are many: made beside the hot loop.
    ///
    /// - Parameter slice: Each stream at most once.
    public init(_ slice: StreamSlice) {
        self.slice = slice
        isPut = [Bool](repeating: false, count: slice.entries.count)
        var capacity = 16
        while capacity < 2 * slice.entries.count { capacity *= 2 }
        numbers = [UInt32](repeating: .max, count: capacity)
        models.reserveCapacity(slice.entries.count)
        for number in slice.entries.indices {
            var place = Self.hash(slice.id(number)) & (capacity - 1)
            while numbers[place] != .max { place = (place + 1) & (capacity - 1) }
            numbers[place] = UInt32(number)
        }
    }

    /// How many streams they are.
    public var count: Int { slice.entries.count }

    /// The entry of a stream that was not put yet.
    func find(_ id: Span<UInt8>) -> Int? {
        var place = Self.hash(id) & (numbers.count - 1)
        while numbers[place] != .max {
            let number = Int(numbers[place])
            if slice.id(number).isEqual(to: id) { return isPut[number] ? nil : number }
            place = (place + 1) & (numbers.count - 1)
        }
        return nil
    }

    /// Notes that an entry is put.
    ///
    /// - Parameter number: Which.
    /// - Returns: Whether it was not put before.
    mutating func put(_ number: Int) -> Bool {
        defer { isPut[number] = true }
        return !isPut[number]
    }

    /// FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>). Whoever chooses ids that collide has been let in by a snapshot.
    private static func hash(_ id: Span<UInt8>) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in id.indices { hash = (hash ^ UInt64(id[index])) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: hash ^ hash >> 32) & Int(UInt32.max)
    }
}

extension Span<UInt8> {
    fileprivate func isEqual(to other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }
}
