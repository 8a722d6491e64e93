import Streams
import Wire

/// A search through the streams. A controller is waiting for its result.
struct PageJob {
    enum Search {
        case page(StreamPageSearch)
        case history(HistorySearch, HistoryRequest)
        /// The search is being continued. It is moved out of the job for that time, so that Swift does not copy the
        /// results found so far.
        case underWay
    }

    let address: ControlServer.ReturnAddress
    var search: Search
}

/// Builds pages of streams, a few slots at a time.
extension HotLoop {
    /// The total time per turn for building pages.
    private static let timeForPages = Duration.milliseconds(1)
    /// The number of slots to look at between two checks of the clock.
    private static let slotsPerLook = 1024

    /// Begins a page. Later requests of the same controller wait until the page is complete, so that they cannot affect
    /// the page.
    mutating func startPage(_ search: PageJob.Search, for address: ControlServer.ReturnAddress) {
        requests.hold(address.controller)
        pages.append(PageJob(address: address, search: search))
    }

    /// Continues the unfinished pages, taking turns between them.
    mutating func continuePages() {
        let end = ContinuousClock.now + Self.timeForPages
        repeat {
            guard !pages.isEmpty else { return }
            var page = pages.removeFirst()
            if goOn(with: &page.search) {
                finish(page)
            } else {
                pages.append(page)
            }
        } while ContinuousClock.now < end
    }

    /// Continues a search.
    ///
    /// - Returns: Whether all streams have been looked at.
    private mutating func goOn(with search: inout PageJob.Search) -> Bool {
        var current = PageJob.Search.underWay
        swap(&current, &search)
        switch consume current {
        case .page(var page):
            defer { search = .page(page) }
            return table.goOn(with: &page, slots: Self.slotsPerLook)
        case .history(var recent, let request):
            defer { search = .history(recent, request) }
            return table.goOn(with: &recent, count: Self.slotsPerLook)
        case .underWay: return true
        }
    }

    private mutating func finish(_ page: PageJob) {
        switch page.search {
        case .page(let search):
            let found = table.page(of: search, time: clock.now)
            report(found.streams, for: page.address) { StreamPage(streams: $0, next: found.next) }
        case .history(let search, let request):
            let copies = table.histories(of: search, limit: request.points ?? .max, time: clock.now)
            reply(copies, request, to: page.address)
        case .underWay: break
        }
        requests.release(page.address.controller)
    }

    /// Answers with the last decisions of named streams, or begins a search for the most recent ones.
    mutating func history(
        _ request: HistoryRequest, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        switch request.streams {
        case .named(let ids):
            reply(table.histories(of: ids, limit: request.points ?? .max, time: clock.now), request, to: address)
        case .recent(let count, let text, let name):
            let model: Int? = if let name { try index(ofModel: name) } else { nil }
            startPage(.history(HistorySearch(text: text, model: model, limit: count), request), for: address)
        }
    }

    private mutating func reply(
        _ copies: HistoryCopies, _ request: HistoryRequest, to address: ControlServer.ReturnAddress
    ) {
        replyBeside(to: address) { copies.answer(since: request.since) }
    }

    /// Answers the requests for unfinished pages with an error, so that the daemon can stop without finishing the
    /// pages.
    mutating func cancelPages() {
        for page in pages {
            let error = ControlError(.internal, "the daemon is stopping; ask again when it is back")
            reply(Result<JSONValue, ControlError>.failure(error), to: page.address)
        }
        pages = []
    }
}
