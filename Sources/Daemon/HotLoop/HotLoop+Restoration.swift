import Store
import Streams
import Wire

/// A snapshot that is being restored. It is read page by page in two passes: the first pass checks all streams, and the
/// second restores them. The hot loop owns it.
struct RunningRestoration {
    /// The maximum number of pages that have been read but not completed yet.
    private static let readyPages = 2
    /// The time after which reading is retried.
    private static let retryInterval = Duration.seconds(1)

    /// The position in the snapshot at which the next page begins.
    private enum Place {
        case start
        case after(String)
        case end
    }

    /// A number that distinguishes this restoration from others.
    let number: Int
    let name: String
    let selection: ControlCommand.Selection
    /// Whether the restoration has taken effect.
    private(set) var isEffective = false
    /// The number of streams in the restoration; 0 until it takes effect.
    private(set) var count = 0
    /// Whether the store is reading a page. ``isReadingStreams`` tells whether the store is reading individual streams.
    var isReadingPage = false
    var isReadingStreams = false
    /// The pages that have been read, beginning with the one in progress.
    private var pages: [StreamSlice] = []
    /// The number of streams on the first page that have been processed.
    private var done = 0
    private var place = Place.start
    /// The first page, if it is the only one. The second pass then reuses this page instead of reading it again.
    private var onlyPage: StreamSlice?
    private var retry: Deadline?
    /// The error of the last attempt to read; nil if the attempt succeeded, or if the restoration has not taken effect
    /// yet.
    private(set) var failure: StoreError?

    init(_ number: Int, _ name: String, _ selection: ControlCommand.Selection) {
        (self.number, self.name, self.selection) = (number, name, selection)
    }

    /// The id after which the next page begins, and whether it is time to read the page; nil if no page can be read
    /// now.
    var nextPage: (after: String?, isDue: Bool)? {
        guard !isReadingPage, pages.count < Self.readyPages else { return nil }
        let isDue = retry?.isPast ?? true
        return switch place {
        case .start: (nil, isDue)
        case .after(let id): (id, isDue)
        case .end: nil
        }
    }

    /// The time until reading is retried, in milliseconds; nil if no retry is scheduled.
    var millisecondsUntilRetry: Int? { nextPage == nil ? nil : retry?.millisecondsLeft }

    /// Returns the next streams to check or restore.
    ///
    /// - Parameter limit: The maximum number of streams.
    /// - Returns: A page, and the range of its streams to process; nil if no page is ready.
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

    /// Whether all pages of the current pass have been read and completed.
    var isOver: Bool {
        if case .end = place { pages.isEmpty && !isReadingPage } else { false }
    }

    mutating func add(_ page: (slice: StreamSlice, next: String?)) {
        if case .start = place, page.next == nil { onlyPage = page.slice }
        (isReadingPage, retry, failure) = (false, nil, nil)
        pages.append(page.slice)
        place = page.next.map { .after($0) } ?? .end
    }

    /// Records that a page or individual streams could not be read, and schedules another attempt.
    mutating func fail(_ error: StoreError) {
        failure = error
        retry = Deadline(in: Self.retryInterval)
    }

    /// Records that the restoration has taken effect, and begins the second pass.
    mutating func begin(count: Int) {
        (isEffective, self.count) = (true, count)
        guard let onlyPage else { return place = .start }
        pages = [onlyPage]
    }
}

/// Restores snapshots in slices, so that memory never holds a second copy of all streams, of which there may be a
/// million. See ``StreamTable/beginChecking()``.
extension HotLoop {
    /// The number of streams to process between two checks of the clock.
    private static let streamsPerLook = 256
    /// The number of streams on a page, if their states are small.
    private static let streamsPerPage = 4096
    /// The maximum number of streams with waiting timesteps that one job reads.
    private static let streamsPerRead = 1024
    /// The size of uncommitted records, in bytes, at which the check pauses until the next group is committed.
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
            case .success: loop.replyWhenDurable(RestoreResult(restored: count), to: address)
            case .failure(let error): loop.reply(Result<JSONValue, ControlError>.failure(error), to: address)
            }
        }
        readPage()
    }

    /// Runs an action that changes a snapshot. If the snapshot is being restored, the action waits until the
    /// restoration ends.
    mutating func whenNotRestored(_ name: String, _ action: @escaping Mailbox.Action) {
        if operation.restoration?.name == name { operation.waiting.append(action) } else { action(&self) }
    }

    /// Whether ``goOnRestoring()`` has anything to do.
    var canRestore: Bool {
        guard let restoration = operation.restoration else { return false }
        guard restoration.isEffective else {
            return (restoration.hasPages || restoration.isOver)
                && table.journal.records.bytes.count < Self.preparedBytes
        }
        return restoration.hasPages || (restoration.isOver && table.isRestoring)
            || restoration.nextPage?.isDue ?? false || canReadAwaited
    }

    private var canReadAwaited: Bool {
        table.hasRestoreRequests && operation.restoration?.isReadingStreams == false
            && operation.restoration?.failure == nil
    }

    /// Continues the current restoration.
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
        do throws(StreamsError) {
            try table.check(slice, numbers)
        } catch {
            refuse(ControlError(error))
        }
    }

    private mutating func takeEffect() {
        guard let restoration = operation.restoration else { return }
        do throws(ControlError) {
            let count = table.checkedCount
            if case .stream(let id) = restoration.selection, count == 0 {
                throw ControlError(
                    .noSuchStream,
                    "the snapshot '\(restoration.name)' has no stream '\(id.shortened)'; run 'sluice snapshots' to choose "
                        + "another one")
            }
            try answering { () throws(StreamsError) in try table.beginRestoring() }
            operation.restoration?.begin(count: count)
            var event = StreamEvent(.restored, restoration.selection, count: count, time: WallClock.now())
            event.snapshot = restoration.name
            announce(event)
        } catch {
            refuse(error)
        }
    }

    /// Ends the restoration with an error before it has taken effect.
    mutating func refuse(_ error: ControlError) {
        table.cancelRestoration()
        endOperation(.failure(error))
    }

    /// Resets streams that were in the snapshot when they were checked, but are missing now. This can happen only if
    /// another program has changed the file.
    private mutating func giveUpRestoring() {
        for id in table.giveUpRestoring() {
            logger.error("stream \(VisibleText.quoted(id)) is missing in the snapshot; its state begins at zero")
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

    /// Reads the streams that have waiting timesteps, ahead of the pages that contain these streams.
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
            // A later page contains these streams anyway.
            case .failure(let error): loop.cannotRead(error)
            }
        }
    }

    private mutating func cannotRead(_ error: StoreError) {
        guard let restoration = operation.restoration else { return }
        guard restoration.isEffective else { return refuse(ControlError(error)) }
        if restoration.failure == nil {
            logger.error(
                "the snapshot '\(restoration.name)' could not be read; the daemon tries again each second: \(error)")
        }
        operation.restoration?.fail(error)
        table.setRestorationStuck(true)
    }
}
