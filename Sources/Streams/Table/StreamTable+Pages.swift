public import Wire

/// A page of streams that is put together some slots at a time, with timesteps and requests in between.
///
/// A stream that is there all the time is on the page, or on a later one. One that comes or goes meanwhile may be on it or not.
public struct StreamPageSearch: Sendable {
    /// Only ids that begin so.
    private let prefix: [UInt8]
    /// Only ids after this one.
    private let after: [UInt8]?
    fileprivate let limit: Int
    /// The slot that is looked at next.
    fileprivate var slot = 0
    /// A stream that may be on the page. The id is a copy, since another stream may have the slot by the time that the page is
    /// put together.
    fileprivate typealias Candidate = (slot: Int, id: [UInt8])
    /// The first streams so far, in order: as many as the page has and one more, which tells whether there is another page.
    fileprivate var found: [Candidate] = []
    /// Streams that are not in their places among the others yet: some at a time, so that no look takes long.
    private var fresh: [Candidate] = []
    private static let mostFresh = 1024

    /// Begins a search.
    ///
    /// - Parameters:
    ///   - prefix: Only ids that begin so; nil: all.
    ///   - after: Only ids after this one; nil: from the first.
    ///   - limit: At most so many.
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

    /// Puts the fresh streams in their places, and drops all but the first.
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
    /// Goes on with a search.
    ///
    /// - Parameters:
    ///   - search: The search.
    ///   - count: How many slots to look at.
    /// - Returns: Whether all have been looked at.
    public func goOn(with search: inout StreamPageSearch, slots count: Int) -> Bool {
        let end = min(search.slot + count, index.slots.upperBound)
        while search.slot < end {
            if index.isTaken(search.slot) { search.look(at: index.id(of: search.slot), in: search.slot) }
            search.slot += 1
        }
        return end == index.slots.upperBound
    }

    /// The page that a search has found, ordered by the bytes of the ids.
    ///
    /// - Parameters:
    ///   - search: The search, all slots looked at.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The page with streams as they stand now, and where the next one begins.
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
        // The last id that was found, also where its stream has gone since: others may come behind it.
        let next = search.found.count > search.limit ? first.last.map { String(decoding: $0.id, as: UTF8.self) } : nil
        return StreamPage(streams: streams, next: next)
    }

    /// A page of streams in one go. The parameters are those of ``StreamPageSearch``.
    ///
    /// - Parameters:
    ///   - prefix: Only ids that begin so; nil: all.
    ///   - after: Only ids after this one; nil: from the first.
    ///   - limit: At most so many.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The page, and where the next one begins.
    public func page(prefix: String?, after: String?, limit: Int, time: Int64) -> StreamPage<StreamStatus> {
        var search = StreamPageSearch(prefix: prefix, after: after, limit: limit)
        _ = goOn(with: &search, slots: index.slots.count)
        return page(of: search, time: time)
    }
}

extension Span<UInt8> {
    /// Whether the bytes come before others in the order of the first byte that differs.
    fileprivate func precedes(_ other: Span<UInt8>) -> Bool {
        for index in 0..<Swift.min(count, other.count) where self[index] != other[index] {
            return self[index] < other[index]
        }
        return count < other.count
    }
}
