/// The search for the streams that decided most recently. The search looks at a few streams at a time, so that
/// timesteps and requests can be handled in between.
///
/// If there are many streams, only those that have a history are looked at. A search for ids that contain a string
/// looks at all streams. A stream that decides, is added or is removed during the search may be missing.
public struct HistorySearch: Sendable {
    /// The maximum number of slots for a search of all streams. Such a search takes less than a millisecond, and also
    /// finds streams that have not decided since the start.
    private static let mostSlots = 65_536

    fileprivate typealias Candidate = (slot: Int, time: Int64)

    /// The string that ids must contain; empty for all.
    fileprivate let text: [UInt8]
    /// The index of the model; nil for all.
    fileprivate let model: Int?
    private let limit: Int
    /// Whether to look only at streams that have a history.
    fileprivate private(set) var usesHistory = false
    /// The end of the slots or rings to look at; nil before the search begins. The last ones come first, because
    /// producers often feed streams in the order of their slots. The most recent streams are then found early, and all
    /// others are passed over quickly.
    fileprivate var end: Int?
    private var found: [Candidate] = []
    /// The time after which a stream must have decided to be among the most recent.
    private var leastTime = Int64.min

    /// Begins a search.
    ///
    /// - Parameters:
    ///   - text: The string that ids must contain; nil for all streams.
    ///   - model: The index of the streams' model; nil for all models.
    ///   - limit: The maximum number of streams to find.
    public init(text: String?, model: Int?, limit: Int) {
        self.text = Array((text ?? "").utf8)
        self.model = model
        self.limit = limit
    }

    /// Chooses the slots or rings to look at, unless the search has already begun.
    ///
    /// - Returns: The end of the slots or rings that have not been looked at.
    fileprivate mutating func begin(slots: Int, rings: Int, hasHistory: Bool) -> Int {
        if let end { return end }
        usesHistory = hasHistory && text.isEmpty && slots > Self.mostSlots
        return usesHistory ? rings : slots
    }

    fileprivate func canInclude(_ time: Int64) -> Bool { time > leastTime }

    fileprivate mutating func add(_ slot: Int, _ time: Int64) {
        found.append((slot, time))
        if found.count >= 2 * limit + 64 { keepMostRecent() }
    }

    private mutating func keepMostRecent() {
        found.sort { ($1.time, $0.slot) < ($0.time, $1.slot) }
        if found.count >= limit {
            found.removeLast(found.count - limit)
            leastTime = found[limit - 1].time
        }
    }

    /// Returns the slots of the streams, the most recently decided first.
    fileprivate mutating func slots() -> [Int] {
        keepMostRecent()
        // A stream may have been given another ring during the search, and thus have been found twice.
        var seen: Set<Int> = []
        return found.compactMap { seen.insert($0.slot).inserted ? $0.slot : nil }
    }
}

extension StreamTable {
    /// Continues a search.
    ///
    /// - Parameters:
    ///   - search: The search.
    ///   - count: The maximum number of streams to look at.
    /// - Returns: Whether all streams have been looked at.
    public mutating func goOn(with search: inout HistorySearch, count: Int) -> Bool {
        let end = search.begin(
            slots: index.slots.upperBound, rings: history.ringCount, hasHistory: history.isOn)
        let first = max(0, end - count)
        for place in (first..<end).reversed() {
            if search.usesHistory {
                if let (slot, time) = history.stream(in: place) { look(at: slot, time, &search) }
            } else if index.isTaken(place) {
                look(at: place, streams[place].time, &search)
            }
        }
        search.end = first
        return first == 0
    }

    @inline(__always)
    private func look(at slot: Int, _ time: Int64, _ search: inout HistorySearch) {
        guard search.canInclude(time), isMeant(slot, by: search) else { return }
        search.add(slot, time)
    }

    @inline(__always)
    private func isMeant(_ slot: Int, by search: HistorySearch) -> Bool {
        if let model = search.model, streams[slot].model != model { return false }
        return search.text.isEmpty || index.id(of: slot).contains(search.text.span)
    }

    /// Copies the histories of the streams that a search found.
    ///
    /// - Parameters:
    ///   - search: The search, which must have looked at all streams.
    ///   - limit: The maximum number of points per stream. The newest ones are copied.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The streams, the most recently decided first.
    public func histories(of search: HistorySearch, limit: Int, time: Int64) -> HistoryCopies {
        var search = search
        // A slot may belong to another stream by now.
        let slots = search.slots().filter { index.isTaken($0) && isMeant($0, by: search) }
        return copies(of: slots, limit: limit, time: time)
    }
}

extension Span<UInt8> {
    /// Whether the bytes contain the given sequence of at least one byte.
    fileprivate func contains(_ text: Span<UInt8>) -> Bool {
        guard count >= text.count else { return false }
        let first = text[0]
        for start in 0...(count - text.count) where self[start] == first {
            var matching = 1
            while matching < text.count, self[start + matching] == text[matching] { matching += 1 }
            if matching == text.count { return true }
        }
        return false
    }
}
