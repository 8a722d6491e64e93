import Recurrent
import Wire

/// The last decisions of streams, for plots. Each stream's history is a ring of a fixed size from one pool. If no ring
/// is free, a stream that decides takes the ring of a stream that has been idle for a long time.
///
///     slot ──places──▶ Ring {points, time, slot, model, next, count} ──▶ | point | point | …
///
/// The rings are stored apart from the streams' records, so that the hot path does not load them. A ring is allocated
/// when the first stream needs it, and is never moved.
@safe
struct HistoryRings: ~Copyable {
    /// The state of one ring.
    @safe
    private struct Ring: BitwiseCopyable {
        let points: UnsafeMutablePointer<HistoryPoint>
        /// The time of the newest point in nanoseconds since the Unix epoch.
        var time: Int64
        /// The slot of the stream; ``none`` if the ring is free.
        var slot: UInt32
        var model: UInt16
        /// The index of the next point in the ring.
        var next: UInt16 = 0
        var count: UInt16 = 0
    }

    /// The limits on takeovers. They keep the cost low even if far more streams decide than there are rings.
    private enum TakeOver {
        /// The time for which ``looksPerPeriod`` applies, in nanoseconds.
        static let period: Int64 = 1_000_000
        /// The maximum number of rings to look at in a period.
        static let looksPerPeriod = 32
        /// The maximum number of rings to look at for one stream.
        static let looksPerStream = 8
        /// The number of decisions on streams without a ring between two attempts to take over a ring. A stream that
        /// decides often thus gets a ring soon, while streams that decide rarely do not keep taking rings from one
        /// another.
        static let requestsPerSearch = 16
        /// The idle time, in nanoseconds, that a stream must exceed to lose its ring.
        static let idleTime: Int64 = 60_000_000_000
    }

    private static let none = UInt32.max

    /// The number of points in a ring; 0 if no history is kept.
    let capacity: Int
    /// The maximum number of rings.
    let maximumRings: Int
    /// The ring of each slot; ``none`` if the slot has no ring. The buffer ends after the last slot that had a ring.
    private var places = GrowingBuffer<UInt32>()
    private var rings = GrowingBuffer<Ring>()
    private var freeRings = GrowingBuffer<UInt32>()
    /// The number of decisions on streams without a ring since the last attempt to take over a ring.
    private var requests = 0
    /// The ring at which the next search for an idle stream begins.
    private var hand = 0
    /// The number of rings that may still be looked at in the period that began at `periodStart`.
    private var looksLeft = 0
    private var periodStart = Int64.min
    /// The latest known time in nanoseconds since the Unix epoch.
    var time: Int64 = 0

    /// Creates an empty pool.
    ///
    /// - Parameters:
    ///   - capacity: The number of points in a ring, at most ``maximumCapacity``; 0 to keep no history.
    ///   - bytes: The maximum size of all rings in bytes.
    init(capacity: Int, bytes: Int) {
        self.capacity = capacity
        maximumRings = capacity == 0 ? 0 : min(Int(Self.none), bytes / Self.byteCount(capacity))
    }

    deinit {
        for ring in 0..<rings.count { unsafe rings[ring].points.deallocate() }
    }

    /// The maximum number of points in a ring.
    static let maximumCapacity = 10_000

    /// The size of a ring in bytes, including the allocator's overhead.
    static func byteCount(_ capacity: Int) -> Int {
        MemoryLayout<Ring>.stride + 16 + capacity * MemoryLayout<HistoryPoint>.stride
    }

    var isOn: Bool { maximumRings > 0 }
    /// The number of streams that have a history.
    var heldCount: Int { rings.count - freeRings.count }
    /// The number of rings that have ever been allocated.
    var ringCount: Int { rings.count }

    /// Returns the ring of a stream; nil if the stream has none.
    @inline(__always)
    private func ring(of slot: Int) -> Int? {
        guard slot < places.count, places[slot] != Self.none else { return nil }
        return Int(places[slot])
    }

    /// The slot of a ring's stream, and the time of its newest point; nil if the ring is free.
    func stream(in ring: Int) -> (slot: Int, time: Int64)? {
        rings[ring].slot == Self.none ? nil : (Int(rings[ring].slot), rings[ring].time)
    }

    /// Records a decision.
    ///
    /// - Parameters:
    ///   - probability: The output that decided the label.
    ///   - slot: The slot of the stream.
    ///   - model: The index of the stream's model.
    ///   - time: Nanoseconds since the Unix epoch.
    @inline(__always)
    mutating func record(_ probability: Float, of slot: Int, model: Int, at time: Int64) {
        guard let ring = ring(of: slot) ?? take(for: slot, model: model, at: time) else { return }
        append(HistoryPoint(probability, at: UInt32(millisecondsOf: time)), to: ring, at: time)
    }

    /// Records a mark, if the stream has a history. If the newest point is a mark of the same kind, the new mark
    /// replaces it.
    mutating func mark(_ kind: HistoryMark.Kind, of slot: Int, at time: Int64) {
        guard let ring = ring(of: slot) else { return }
        let state = rings[ring]
        let newest = (state.next == 0 ? capacity : Int(state.next)) - 1
        if state.count > 0, unsafe state.points[newest].mark == kind {
            rings[ring].next = UInt16(newest)
            rings[ring].count -= 1
        }
        append(HistoryPoint(kind, at: UInt32(millisecondsOf: time)), to: ring, at: time)
    }

    @inline(__always)
    private mutating func append(_ point: HistoryPoint, to ring: Int, at time: Int64) {
        var state = rings[ring]
        unsafe state.points[Int(state.next)] = point
        state.time = time
        state.next = Int(state.next) + 1 == capacity ? 0 : state.next + 1
        if Int(state.count) < capacity { state.count += 1 }
        rings[ring] = state
    }

    /// Ends the history of a stream.
    mutating func remove(_ slot: Int) {
        guard let ring = ring(of: slot) else { return }
        free(ring)
    }

    /// Ends the histories of all streams of a model.
    mutating func removeAll(ofModel model: Int) {
        for ring in 0..<rings.count where rings[ring].slot != Self.none && Int(rings[ring].model) == model {
            free(ring)
        }
    }

    private mutating func free(_ ring: Int) {
        places[Int(rings[ring].slot)] = Self.none
        rings[ring].slot = Self.none
        freeRings.append(UInt32(ring))
    }

    /// Assigns an empty ring to a stream that has none. Returns nil if no ring is free or can be taken from another
    /// stream.
    @inline(never)
    private mutating func take(for slot: Int, model: Int, at time: Int64) -> Int? {
        guard let ring = freeRing() ?? idleRing(at: time) else { return nil }
        while places.count <= slot { places.append(Self.none) }
        places[slot] = UInt32(ring)
        rings[ring].slot = UInt32(slot)
        rings[ring].model = UInt16(model)
        rings[ring].next = 0
        rings[ring].count = 0
        return ring
    }

    private mutating func freeRing() -> Int? {
        if freeRings.count > 0 {
            let ring = Int(freeRings[freeRings.count - 1])
            freeRings.resize(to: freeRings.count - 1)
            return ring
        }
        guard rings.count < maximumRings else { return nil }
        unsafe rings.append(Ring(points: .allocate(capacity: capacity), time: 0, slot: Self.none, model: 0))
        return rings.count - 1
    }

    /// Takes a ring from a stream that has been idle for a long time, if there is one among the next few rings after
    /// `hand`. The stream must have been idle for longer than ``TakeOver/idleTime``, and for longer than its history
    /// covers.
    private mutating func idleRing(at time: Int64) -> Int? {
        requests += 1
        guard requests == TakeOver.requestsPerSearch else { return nil }
        requests = 0
        if time >= periodStart &+ TakeOver.period || time < periodStart {
            periodStart = time
            looksLeft = TakeOver.looksPerPeriod
        }
        var longest: (ring: Int, idle: Int64)?
        for _ in 0..<min(looksLeft, TakeOver.looksPerStream, rings.count) {
            looksLeft -= 1
            let ring = hand
            hand = hand + 1 == rings.count ? 0 : hand + 1
            let idle = time &- rings[ring].time
            if idle > max(longest?.idle ?? 0, TakeOver.idleTime), idle > duration(of: ring) {
                longest = (ring, idle)
            }
        }
        guard let longest else { return nil }
        places[Int(rings[longest.ring].slot)] = Self.none
        return longest.ring
    }

    /// The time from the oldest to the newest point of a ring, in nanoseconds.
    private func duration(of ring: Int) -> Int64 {
        let state = rings[ring]
        let oldest = unsafe state.points[Int(state.count) < capacity ? 0 : Int(state.next)]
        return 1_000_000 * Int64(UInt32(millisecondsOf: state.time) &- oldest.milliseconds)
    }

    /// Copies the history of a stream.
    ///
    /// - Parameters:
    ///   - slot: The slot of the stream.
    ///   - limit: The maximum number of points to copy. The newest ones are copied.
    /// - Returns: The points, oldest first; none if the stream has no history.
    func copy(of slot: Int, limit: Int) -> CopiedHistory {
        guard let ring = ring(of: slot) else { return CopiedHistory() }
        let state = rings[ring]
        let count = min(limit, Int(state.count))
        var copied = CopiedHistory(newestTime: state.time)
        copied.points.reserveCapacity(count)
        for age in (0..<count).reversed() {
            let place = Int(state.next) - 1 - age
            unsafe copied.points.append(state.points[place < 0 ? place + capacity : place])
        }
        return copied
    }
}

/// The points of one stream's history, as a copy that another thread can read.
public struct CopiedHistory: Sendable {
    /// The time of the newest point in nanoseconds since the Unix epoch.
    var newestTime: Int64 = 0
    /// The points, oldest first.
    var points: [HistoryPoint] = []

    /// The times of the points in milliseconds since the Unix epoch.
    ///
    /// A point has only the lower half of its time, which wraps every 49 days. The upper half follows from the next
    /// point, because the two are less than 24 days apart.
    var times: [Int64] {
        var times = [Int64](repeating: 0, count: points.count)
        var time = newestTime / 1_000_000
        for index in points.indices.reversed() {
            time += Int64(Int32(truncatingIfNeeded: Int64(points[index].milliseconds) - time))
            times[index] = time
        }
        return times
    }
}
