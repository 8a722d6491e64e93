import Streams
import Wire

/// A page of streams that somebody waits for.
struct PageJob {
    let address: ControlServer.ReturnAddress
    var search: StreamPageSearch
}

/// Pages of streams, which are put together some slots at a time.
extension HotLoop {
    /// How long pages are put together in one turn, all of them together.
    private static let timeForPages = Duration.milliseconds(1)
    /// Slots that are looked at before the time is.
    private static let slotsPerLook = 1024

    /// Begins a page. The controller's other requests wait for it, so that it takes effect before them.
    mutating func startPage(_ search: StreamPageSearch, for address: ControlServer.ReturnAddress) {
        requests.hold(address.peer)
        pages.append(PageJob(address: address, search: search))
    }

    /// Goes on with the pages that somebody waits for, each in turn.
    mutating func continuePages() {
        let end = ContinuousClock.now + Self.timeForPages
        repeat {
            guard !pages.isEmpty else { return }
            var page = pages.removeFirst()
            if table.goOn(with: &page.search, slots: Self.slotsPerLook) {
                finish(page)
            } else {
                pages.append(page)
            }
        } while ContinuousClock.now < end
    }

    private mutating func finish(_ page: PageJob) {
        let found = table.page(of: page.search, time: clock.now)
        report(found.streams, for: page.address) { StreamPage(streams: $0, next: found.next) }
        requests.release(page.address.peer)
    }

    /// Ends the pages that are not put together yet: a stop does not wait for them.
    mutating func cancelPages() {
        for page in pages {
            let error = ControlError(.internal, "the daemon is stopping; ask again when it is back")
            reply(Result<JSONValue, ControlError>.failure(error), to: page.address)
        }
        pages = []
    }
}
