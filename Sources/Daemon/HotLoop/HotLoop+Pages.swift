import Streams
import Wire

/// A page of streams that a controller is waiting for.
struct PageJob {
    let address: ControlServer.ReturnAddress
    var search: StreamPageSearch
}

/// Builds pages of streams, a few slots at a time.
extension HotLoop {
    /// The total time per turn for building pages.
    private static let timeForPages = Duration.milliseconds(1)
    /// The number of slots to look at between two checks of the clock.
    private static let slotsPerLook = 1024

    /// Begins a page. Later requests of the same controller wait until the page is complete, so that they cannot affect
    /// the page.
    mutating func startPage(_ search: StreamPageSearch, for address: ControlServer.ReturnAddress) {
        requests.hold(address.controller)
        pages.append(PageJob(address: address, search: search))
    }

    /// Continues the unfinished pages, taking turns between them.
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
        requests.release(page.address.controller)
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
