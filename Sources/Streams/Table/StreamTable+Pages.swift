public import Wire

/// The search for a page of streams. The search looks at a few slots at a time, so that timesteps and requests can be
/// handled in between.
///
/// A stream that exists during the whole search and follows the given id is either on the page found or on a later one.
/// A stream that is added or removed during the search may be missing.
public struct StreamPageSearch: Sendable {
    /// The prefix of the ids on the page.
    private let prefix: [UInt8]
    /// The id that precedes the page; nil for the first page.
    private let after: [UInt8]?
    fileprivate let limit: Int
    /// The next slot to look at.
    fileprivate var slot = 0
    /// A stream that may be on the page. Its id is copied, because the slot may belong to another stream by the time
    /// the page is built.
    fileprivate typealias Candidate = (slot: Int, id: [UInt8])
    /// The first candidates so far, in order. There may be one more than the page can hold, which shows that another
    /// page follows.
    fileprivate var found: [Candidate] = []
    /// Candidates that have not been merged yet. Their number is limited, so that a merge never takes long.
    private var fresh: [Candidate] = []
    private static let mostFresh = 1024

    /// Begins a search.
    ///
    /// - Parameters:
    ///   - prefix: The prefix of the ids; nil for all streams.
    ///   - after: The id that precedes the page; nil for the first page.
    ///   - limit: The maximum number of streams on the page.
    public init(prefix: String?, after: String?, limit: Int) {
        self.prefix = Array((prefix ?? "").utf8)
        self.after = after.map { Array($0.utf8) }
        self.limit = limit
    }

    fileprivate mutating func look(at id: Span<UInt8>, in slot: Int) {
        guard id.begins(with: prefix), after.map({ $0.span.precedes(id) }) ?? true else { return }
        if found.count > limit {
            let last = found[limit].id
            guard id.precedes(last.span) else { return }
        }
        var copy: [UInt8] = []
        copy.reserveCapacity(id.count)
        for index in id.indices { copy.append(id[index]) }
        fresh.append((slot, copy))
        if fresh.count == Self.mostFresh { mergeFresh() }
    }

    /// Merges the fresh candidates with the sorted ones, and keeps only as many as are needed.
    fileprivate mutating func mergeFresh() {
        fresh.sort { $0.id.span.precedes($1.id.span) }
        var merged: [Candidate] = []
        merged.reserveCapacity(min(limit + 1, found.count + fresh.count))
        var (old, new) = (0, 0)
        while merged.count <= limit, old < found.count || new < fresh.count {
            var takesNew = old == found.count
            if !takesNew, new < fresh.count {
                let (newID, oldID) = (fresh[new].id, found[old].id)
                takesNew = newID.span.precedes(oldID.span)
            }
            merged.append(takesNew ? fresh[new] : found[old])
            if takesNew { new += 1 } else { old += 1 }
        }
        found = merged
        fresh.removeAll(keepingCapacity: true)
    }
}

extension StreamTable {
    /// Continues a search.
    ///
    /// - Parameters:
    ///   - search: The search.
    ///   - count: The maximum number of slots to look at.
    /// - Returns: Whether all slots have been looked at.
    public func goOn(with search: inout StreamPageSearch, slots count: Int) -> Bool {
        let end = min(search.slot + count, index.slots.upperBound)
        while search.slot < end {
            if index.isTaken(search.slot) { search.look(at: index.id(of: search.slot), in: search.slot) }
            search.slot += 1
        }
        return end == index.slots.upperBound
    }

    /// Returns the page found by a search, ordered by the bytes of the ids.
    ///
    /// - Parameters:
    ///   - search: The search, which must have looked at all slots.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The streams in their current state, and the id that precedes the next page.
    public func page(of search: StreamPageSearch, time: Int64) -> StreamPage<StreamStatus> {
        var search = search
        search.mergeFresh()
        let first = search.found.prefix(search.limit)
        let streams = first.compactMap { slot, id -> StreamStatus? in
            guard index.isTaken(slot), index.id(of: slot).begins(with: id), index.id(of: slot).count == id.count else {
                return nil
            }
            return status(of: slot, id: String(decoding: id, as: UTF8.self), time: time)
        }
        // Use the last id of the page even if its stream is gone, because other streams may follow.
        let next = search.found.count > search.limit ? first.last.map { String(decoding: $0.id, as: UTF8.self) } : nil
        return StreamPage(streams: streams, next: next)
    }

    /// Returns a page of streams from a single, uninterrupted search.
    ///
    /// - Parameters:
    ///   - prefix: The prefix of the ids; nil for all streams.
    ///   - after: The id that precedes the page; nil for the first page.
    ///   - limit: The maximum number of streams on the page.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The page, and the id that precedes the next page.
    public func page(prefix: String?, after: String?, limit: Int, time: Int64) -> StreamPage<StreamStatus> {
        var search = StreamPageSearch(prefix: prefix, after: after, limit: limit)
        _ = goOn(with: &search, slots: index.slots.count)
        return page(of: search, time: time)
    }
}

extension Span<UInt8> {
    /// Whether these bytes precede others in lexicographic order.
    fileprivate func precedes(_ other: Span<UInt8>) -> Bool {
        for index in 0..<Swift.min(count, other.count) where self[index] != other[index] {
            return self[index] < other[index]
        }
        return count < other.count
    }
}
