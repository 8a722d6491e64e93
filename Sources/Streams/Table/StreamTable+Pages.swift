public import Wire

/// The search for a page of streams. It looks at a few slots at a time, with timesteps and requests in between.
///
/// A stream that exists during the whole search is on this page or on a later one. If a stream comes or goes during the
/// search, it may be on the page or not.
public struct StreamPageSearch: Sendable {
    /// The prefix of the ids on the page.
    private let prefix: [UInt8]
    /// The id before the page; nil for the first page.
    private let after: [UInt8]?
    fileprivate let limit: Int
    /// The next slot to look at.
    fileprivate var slot = 0
    /// A stream that may be on the page. The id is copied, because the slot may belong to another stream when the page
    /// is built.
    fileprivate typealias Candidate = (slot: Int, id: [UInt8])
    /// The first candidates so far, in order. There is one more than the page holds, which tells whether there is
    /// another page.
    fileprivate var found: [Candidate] = []
    /// Candidates that are not merged yet. Their number is limited, so that no look takes long.
    private var fresh: [Candidate] = []
    private static let mostFresh = 1024

    /// Begins a search.
    ///
    /// - Parameters:
    ///   - prefix: The prefix of the ids; nil for all.
    ///   - after: The id before the page; nil for the first page.
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

    /// Merges the fresh candidates into the sorted ones, and keeps only the first ones.
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
    ///   - count: The number of slots to look at.
    /// - Returns: Whether all slots have been looked at.
    public func goOn(with search: inout StreamPageSearch, slots count: Int) -> Bool {
        let end = min(search.slot + count, index.slots.upperBound)
        while search.slot < end {
            if index.isTaken(search.slot) { search.look(at: index.id(of: search.slot), in: search.slot) }
            search.slot += 1
        }
        return end == index.slots.upperBound
    }

    /// The page found by a search, ordered by the bytes of the ids.
    ///
    /// - Parameters:
    ///   - search: The search, after a look at all slots.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The streams in their current state, and the id before the next page.
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
        // The last id of the page is used even if its stream has gone, because others may follow it.
        let next = search.found.count > search.limit ? first.last.map { String(decoding: $0.id, as: UTF8.self) } : nil
        return StreamPage(streams: streams, next: next)
    }

    /// A page of streams without pauses in the search.
    ///
    /// - Parameters:
    ///   - prefix: The prefix of the ids; nil for all.
    ///   - after: The id before the page; nil for the first page.
    ///   - limit: The maximum number of streams on the page.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The page, and the id before the next page.
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
