import Recurrent
import Wire

/// Finds a stream's slot by the bytes of the stream's id. The hot path does this for every message, so it creates no
/// `String`.
///
/// The index is a hash table with open addressing, linear probing and deletion by backward shift. Ids are equal only if
/// their bytes are equal; Swift's `String` would also treat two encodings of the same character as equal.
struct StreamIndex: ~Copyable {
    struct Bucket: BitwiseCopyable {
        static let empty = Bucket(hash: 0, slot: .max)
        var hash: UInt32
        var slot: UInt32
        var isEmpty: Bool { slot == .max }
    }

    /// The buckets. Their number is a power of two and at least twice the number of streams.
    private var buckets = GrowingBuffer(repeating: Bucket.empty, count: 16)
    /// The place of each slot's id, indexed by slot; `none` if the slot is free.
    private var places = GrowingBuffer<StreamIDPool.Place>()
    private let ids = StreamIDPool()
    private var freeSlots: [UInt32] = []
    private let seed = UInt64.random(in: 0...UInt64.max)

    /// The number of streams in the index.
    private(set) var count = 0
    /// The number of streams that were ever removed.
    private(set) var removals: UInt64 = 0

    /// All slots that have ever been used.
    var slots: Range<Int> { 0..<places.count }

    /// Whether a stream occupies the slot.
    func isTaken(_ slot: Int) -> Bool { places[slot] != .none }

    /// The id of the stream in a slot. The slot must not be free.
    @_lifetime(borrow self)
    func id(of slot: Int) -> Span<UInt8> {
        ids.bytes(at: places[slot])
    }

    /// The slot of a stream; nil if the stream is unknown.
    func find(_ id: Span<UInt8>) -> Int? { find(id, hash: hash(id)) }

    /// The slot of a stream whose id has the given ``hash(_:)``; nil if the stream is unknown.
    @inline(__always)
    func find(_ id: Span<UInt8>, hash: UInt32) -> Int? {
        var number = home(of: hash)
        while true {
            let bucket = buckets[number]
            if bucket.isEmpty { return nil }
            if bucket.hash == hash, ids.bytes(at: places[Int(bucket.slot)]).hasSameBytes(as: id) {
                return Int(bucket.slot)
            }
            number = next(number)
        }
    }

    /// Asks the processor to load the bucket in which the search for a hash begins.
    @inline(__always)
    func prefetchBucket(of hash: UInt32) { buckets.prefetch(home(of: hash)) }

    /// The slot in the bucket in which the search for a hash begins; `UInt32.max` if the bucket is empty.
    @inline(__always)
    func likelySlot(of hash: UInt32) -> UInt32 { buckets[home(of: hash)].slot }

    /// Asks the processor to load the position of a slot's id.
    @inline(__always)
    func prefetchPlace(of slot: Int) { places.prefetch(slot) }

    /// Asks the processor to load the id of a slot.
    @inline(__always)
    func prefetchID(of slot: Int) { ids.prefetch(places[slot]) }

    /// Adds a new stream and returns its slot.
    mutating func insert(_ id: Span<UInt8>) -> Int {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = Int(free)
        } else {
            slot = places.count
            places.append(.none)
        }
        take(slot, for: id)
        return slot
    }

    /// Adds a new stream in a given slot, which must never have been used. Unused slots below it become free.
    mutating func insert(_ id: Span<UInt8>, at slot: Int) {
        reserve(slot)
        take(slot, for: id)
    }

    /// Reserves a slot, so that no stream gets it. The slot must never have been used. Unused slots below it become
    /// free.
    mutating func reserve(_ slot: Int) {
        precondition(slot >= places.count)
        while places.count < slot {
            freeSlots.append(UInt32(places.count))
            places.append(.none)
        }
        places.append(.none)
    }

    private mutating func take(_ slot: Int, for id: Span<UInt8>) {
        if 2 * (count + 1) > buckets.count { grow() }
        places[slot] = ids.insert(id)
        place(Bucket(hash: hash(id), slot: UInt32(slot)))
        count += 1
    }

    /// Removes the stream in a slot.
    mutating func remove(slot: Int) {
        var hole = home(of: hash(ids.bytes(at: places[slot])))
        while buckets[hole].slot != UInt32(slot) { hole = next(hole) }
        // Move back the entries that were displaced past the hole, so that no search ends too early.
        var bucket = next(hole)
        while !buckets[bucket].isEmpty {
            let distance = (bucket - home(of: buckets[bucket].hash)) & (buckets.count - 1)
            if distance >= (bucket - hole) & (buckets.count - 1) {
                buckets[hole] = buckets[bucket]
                hole = bucket
            }
            bucket = next(bucket)
        }
        buckets[hole] = .empty
        ids.remove(places[slot])
        places[slot] = .none
        freeSlots.append(UInt32(slot))
        count -= 1
        removals += 1
    }

    private mutating func grow() {
        var old = GrowingBuffer(repeating: Bucket.empty, count: 2 * buckets.count)
        swap(&old, &buckets)
        for number in 0..<old.count where !old[number].isEmpty { place(old[number]) }
    }

    private mutating func place(_ new: Bucket) {
        var bucket = home(of: new.hash)
        while !buckets[bucket].isEmpty { bucket = next(bucket) }
        buckets[bucket] = new
    }

    private func home(of hash: UInt32) -> Int { Int(hash) & (buckets.count - 1) }
    private func next(_ bucket: Int) -> Int { (bucket + 1) & (buckets.count - 1) }

    /// The hash of an id, which stays the same for the life of the index.
    ///
    /// As in wyhash (<https://github.com/wangyi-fudan/wyhash>), eight bytes at a time are multiplied to double width
    /// and the product is folded. The random seed prevents anyone from choosing ids that collide.
    @inline(__always)
    func hash(_ id: Span<UInt8>) -> UInt32 {
        let bytes = unsafe id.bytes
        var hash = seed ^ UInt64(bytes.byteCount)
        var offset = 0
        while offset + 8 <= bytes.byteCount {
            hash = Self.folded(hash ^ bytes.littleEndian(at: offset, as: UInt64.self))
            offset += 8
        }
        if offset < bytes.byteCount { hash = Self.folded(hash ^ bytes.lastWord) }
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }

    private static func folded(_ value: UInt64) -> UInt64 {
        let (high, low) = value.multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        return high ^ low
    }
}

extension RawSpan {
    /// The last eight bytes as a number, or all bytes if there are fewer.
    @inline(__always)
    fileprivate var lastWord: UInt64 {
        byteCount < 8 ? shortWord : littleEndian(at: byteCount - 8, as: UInt64.self)
    }

    /// All bytes of a short id as a number. Two ids of the same length yield the same number only if their bytes are
    /// equal.
    private var shortWord: UInt64 {
        func byte(_ offset: Int) -> UInt64 { UInt64(littleEndian(at: offset, as: UInt8.self)) }
        func half(_ offset: Int) -> UInt64 { UInt64(littleEndian(at: offset, as: UInt32.self)) }
        // The two halves may overlap. If there are three bytes or fewer, the middle byte may also be the first or the
        // last one.
        if byteCount >= 4 { return half(0) << 32 | half(byteCount - 4) }
        return byteCount == 0 ? 0 : byte(0) << 16 | byte(byteCount / 2) << 8 | byte(byteCount - 1)
    }
}

extension Span<UInt8> {
    @inline(__always)
    fileprivate func hasSameBytes(as other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        let (bytes, others) = unsafe (self.bytes, other.bytes)
        var offset = 0
        while offset + 8 < count {
            guard
                bytes.littleEndian(at: offset, as: UInt64.self) == others.littleEndian(at: offset, as: UInt64.self)
            else { return false }
            offset += 8
        }
        return bytes.lastWord == others.lastWord
    }
}
