import Store
import Streams
import Wire

/// A snapshot that is read page by page to be restored: once to check all of it, and once more to put it. Owned by the hot loop.
struct RunningRestoration {
    /// Pages that are ready before the next is read.
    private static let readyPages = 2
    /// How soon a page is asked for again that could not be read.
    private static let retryInterval = Duration.seconds(1)

    /// Where in the snapshot the next page begins.
    private enum Place {
        case start
        case after(String)
        case end
    }

    /// Tells it from others.
    let number: Int
    let name: String
    let selection: ControlCommand.Selection
    /// It has taken effect.
    private(set) var isEffective = false
    /// Its streams, once it has.
    private(set) var count = 0
    /// The store has a page or single streams to read, and has not answered yet.
    var isReadingPage = false
    var isReadingStreams = false
    /// Pages that are read, from the first that is not gone through.
    private var pages: [StreamSlice] = []
    /// How many of the first page's streams were gone through.
    private var done = 0
    private var place = Place.start
    /// The first page, where it is the only one: it is not read again.
    private var onlyPage: StreamSlice?
    private var retry: Deadline?
    /// Why a page could not be read, since it took effect; nil where all could.
    private(set) var failure: StoreError?

    init(_ number: Int, _ name: String, _ selection: ControlCommand.Selection) {
        (self.number, self.name, self.selection) = (number, name, selection)
    }

    /// Where the page begins that is to be read next; nil where none is to be read now.
    var nextPage: (after: String?, isDue: Bool)? {
        guard !isReadingPage, pages.count < Self.readyPages else { return nil }
        let isDue = retry?.isPast ?? true
        return switch place {
        case .start: (nil, isDue)
        case .after(let id): (id, isDue)
        case .end: nil
        }
    }

    /// How long the hot loop may wait before the snapshot is read again; nil where that is not due.
    var millisecondsUntilRetry: Int? { nextPage == nil ? nil : retry?.millisecondsLeft }

    /// Takes some streams to go through now.
    ///
    /// - Parameter limit: At most so many.
    /// - Returns: The page, and which of its streams; nil where no page is ready.
    mutating func next(_ limit: Int) -> (slice: StreamSlice, numbers: Range<Int>)? {
        guard let slice = pages.first else { return nil }
        let end = min(slice.entries.count, done + limit)
        defer {
            done = end
            if done == slice.entries.count {
                pages.removeFirst()
                done = 0
            }
        }
        return (slice, done..<end)
    }

    var hasPages: Bool { !pages.isEmpty }

    /// All pages were read and gone through.
    var isOver: Bool {
        if case .end = place { pages.isEmpty && !isReadingPage } else { false }
    }

    mutating func add(_ page: (slice: StreamSlice, next: String?)) {
        if case .start = place, page.next == nil { onlyPage = page.slice }
        (isReadingPage, retry, failure) = (false, nil, nil)
        pages.append(page.slice)
        place = page.next.map { .after($0) } ?? .end
    }

    /// A page or single streams could not be read, though they could before: they are read again later.
    mutating func fail(_ error: StoreError) {
        failure = error
        retry = Deadline(in: Self.retryInterval)
    }

    /// It takes effect: the snapshot is gone through once more.
    mutating func begin(count: Int) {
        (isEffective, self.count) = (true, count)
        guard let onlyPage else { return place = .start }
        pages = [onlyPage]
    }
}

/// How a snapshot is restored: see ``StreamTable/beginChecking()``. All of a million streams are never in memory twice.
extension HotLoop {
    /// Streams that are gone through between two looks at the clock.
    private static let streamsPerLook = 256
    /// Streams on a page, where their states are small.
    private static let streamsPerPage = 4096
    /// Streams that are read in one go since timesteps wait for them.
    private static let streamsPerRead = 1024
    /// Bytes of records with which no more are made of what is to be restored, before the next group is committed.
    private static let preparedBytes = 1 << 20

    mutating func restore(
        _ name: String, _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        try requireDurability()
        table.beginChecking()
        operation.restorationCount += 1
        operation.restoration = RunningRestoration(operation.restorationCount, name, selection)
        operation.end = { loop, outcome in
            let count = loop.operation.restoration?.count ?? 0
            loop.operation.restoration = nil
            switch outcome {
            case .success: loop.replyWhenDurable(["restored": count], to: address)
            case .failure(let error): loop.reply(Result<JSONValue, ControlError>.failure(error), to: address)
            }
        }
        readPage()
    }

    /// Does something with a snapshot, which stays as it is while it is restored.
    mutating func whenNotRestored(_ name: String, _ action: @escaping Mailbox.Letter) {
        if operation.restoration?.name == name { operation.waiting.append(action) } else { action(&self) }
    }

    /// Whether ``goOnRestoring()`` has something to do.
    var canRestore: Bool {
        guard operation.restoration != nil, let restoration = operation.restoration else { return false }
        guard restoration.isEffective else {
            return (restoration.hasPages || restoration.isOver) && table.records.bytes.count < Self.preparedBytes
        }
        return restoration.hasPages || (restoration.isOver && table.isRestoring)
            || restoration.nextPage?.isDue ?? false || canReadAwaited
    }

    private var canReadAwaited: Bool {
        table.hasRestoreRequests && operation.restoration?.isReadingStreams == false
            && operation.restoration?.failure == nil
    }

    /// Goes on with the restoration under way.
    mutating func goOnRestoring() {
        if canReadAwaited { readAwaited() }
        readPage()
        if let (slice, numbers) = operation.restoration?.next(Self.streamsPerLook) {
            goThrough(slice, numbers)
        } else if operation.restoration?.isOver ?? false {
            if operation.restoration?.isEffective ?? false { giveUpRestoring() } else { takeEffect() }
        }
    }

    private mutating func goThrough(_ slice: StreamSlice, _ numbers: Range<Int>) {
        guard operation.restoration?.isEffective == false else { return table.restore(slice, numbers) }
        do throws(ControlError) {
            try table.check(slice, numbers)
        } catch {
            refuse(error)
        }
    }

    private mutating func takeEffect() {
        guard let restoration = operation.restoration else { return }
        do throws(ControlError) {
            let count = table.checkedCount
            if case .stream(let id) = restoration.selection, count == 0 {
                throw ControlError(
                    .noSuchStream, "the snapshot '\(restoration.name)' has no stream '\(id.shortened)'")
            }
            try table.beginRestoring()
            operation.restoration?.begin(count: count)
            var event = StreamEvent(.restored, restoration.selection, count: count, time: WallClock.now())
            event.snapshot = restoration.name
            announce(event)
        } catch {
            refuse(error)
        }
    }

    /// Ends the restoration before it takes effect.
    mutating func refuse(_ error: ControlError) {
        table.cancelRestoration()
        endOperation(.failure(error))
    }

    /// The snapshot lacks streams that it had when they were checked: the file was changed by others.
    private mutating func giveUpRestoring() {
        for id in table.giveUpRestoring() {
            logger.error("stream \(VisibleText.quoted(id)) is not in the snapshot any more; it begins at zero")
            announce(StreamEvent(.reset, .stream(id), time: WallClock.now()))
        }
    }

    private mutating func readPage() {
        guard let restoration = operation.restoration, let next = restoration.nextPage, next.isDue else { return }
        operation.restoration?.isReadingPage = true
        startStoreJob { store throws(StoreError) in
            try store.page(
                ofSnapshot: restoration.name, restoration.selection, after: next.after, limit: Self.streamsPerPage)
        } then: { loop, result in
            guard loop.operation.restoration?.number == restoration.number else { return }
            loop.operation.restoration?.isReadingPage = false
            switch result {
            case .success(let page):
                loop.operation.restoration?.add(page)
                loop.table.setRestorationStuck(false)
                loop.readPage()
            case .failure(let error): loop.cannotRead(error)
            }
        }
    }

    /// Reads streams for which timesteps wait, before the pages that have them.
    private mutating func readAwaited() {
        guard let restoration = operation.restoration else { return }
        let ids = table.takeRestoreRequests(limit: Self.streamsPerRead)
        guard !ids.isEmpty else { return }
        operation.restoration?.isReadingStreams = true
        startStoreJob { store throws(StoreError) in
            try store.streams(ofSnapshot: restoration.name, named: ids)
        } then: { loop, result in
            guard loop.operation.restoration?.number == restoration.number else { return }
            loop.operation.restoration?.isReadingStreams = false
            switch result {
            case .success(let slice): loop.table.restore(slice, slice.entries.indices)
            // The page that has them is read again too.
            case .failure(let error): loop.cannotRead(error)
            }
        }
    }

    private mutating func cannotRead(_ error: StoreError) {
        guard let restoration = operation.restoration else { return }
        guard restoration.isEffective else { return refuse(ControlError(error)) }
        if restoration.failure == nil {
            logger.error("the snapshot '\(restoration.name)' could not be read, to be tried again: \(error)")
        }
        operation.restoration?.fail(error)
        table.setRestorationStuck(true)
    }
}
