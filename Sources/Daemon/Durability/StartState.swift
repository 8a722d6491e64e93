import Logging
import Recurrent
import Store
import Streams
import Wire

/// The outcome of replaying the journal while the daemon starts.
private struct ReplayedJournal {
    /// The position of the last record before the first missing one (`last`), and the position of the journal's last
    /// record (`end`). The two are equal if no record is missing.
    let last: UInt64
    let end: UInt64
    /// The position of the last record whose effect was already in the store's streams.
    let loaded: UInt64
    /// The number of replayed records.
    let count: Int

    /// Whether new records can follow the last one without a gap.
    var connects: Bool { last == end && last >= loaded }
}

/// The state with which the daemon starts: the streams of the last checkpoint, to which the journal's later records
/// have been applied.
struct StartState: ~Copyable {
    /// The number of streams to log individually, unless the log level is `debug` or lower.
    private static let streamsLogged = 10

    let store: StateStore
    /// The journal; nil if there is none. It may be left over from an earlier configuration.
    let journal: Journal?
    /// For each model, the number that identifies its weights in the journal; nil if nothing is recorded.
    private(set) var weights: [UInt16]?
    /// The size of the journal's records since the last checkpoint, in bytes.
    private(set) var journalBytes = 0
    private(set) var table: StreamTable
    /// The stored dictionaries, oldest first.
    private(set) var dictionaries: [StreamDictionary] = []

    private let place: String
    private let logger: Logger

    /// Opens the state folder, if there is one, and restores the streams.
    ///
    /// - Throws: ``DaemonError`` with the code `inUse`, `cannotCreate`, or `badData` if the state is damaged or does
    ///   not fit the models.
    static func open(
        _ configuration: DaemonConfiguration, models: [ServedModel], logger: Logger
    ) throws(DaemonError) -> StartState {
        do {
            // The first attempt sets only the damaged parts aside. If the state is still damaged, the second attempt
            // sets everything aside.
            for all in [false, true] where configuration.onDamagedState == .setAside {
                do {
                    return try inPlace(configuration, models: models, logger: logger)
                } catch let error as StoreError where error.code == .damaged {
                    try setAside(configuration.durableFolder ?? "", error, all: all, logger)
                }
            }
            return try inPlace(configuration, models: models, logger: logger)
        } catch let error as StoreError {
            throw DaemonError(error)
        } catch let error as StreamsError {
            let place = "\(configuration.durableFolder ?? "")/\(StateStore.fileName)"
            let choices = error.cause == .cannotContinue ? "reset" : "carry or reset"
            throw DaemonError(
                .badData,
                "\(place): \(error.description), give --on-other-weights \(choices), or give another --state-dir")
        } catch {
            throw error as? DaemonError ?? DaemonError(.software, "\(error)")
        }
    }

    private static func setAside(
        _ folder: String, _ error: StoreError, all: Bool, _ logger: Logger
    ) throws(StoreError) {
        logger.error("stored state is damaged: \(error.problem)")
        let salvage = try StateSalvage(of: folder, time: WallClock.now() / 1_000_000_000, all: all)
        logger.warning("moved \(salvage.files.joined(separator: ", ")) to \(salvage.place)")
        if let generation = salvage.unprovedGeneration {
            logger.warning(
                "without sluice.seal, nothing proves that \(StateStore.fileName) is the latest; its generation is \(generation)"
            )
        }
        let lost = salvage.lost.map { "\($0)" } ?? "all others"
        logger.warning("\(salvage.kept ?? 0) streams of the last checkpoint continue; \(lost) were set aside")
        if !salvage.lostSnapshots.isEmpty {
            logger.warning(
                "snapshots set aside: \(salvage.lostSnapshots.map { VisibleText.quoted($0) }.joined(separator: ", "))"
            )
        }
    }

    /// Logs the age of the state, and warns if other users may read it.
    private static func describe(_ store: StateStore, in folder: String, _ logger: Logger) {
        if let time = store.lastTime {
            logger.info(
                "the state has generation \(store.generation) and was last written \(StateAge.text(since: time)) ago")
        }
        if let mode = StateAge.openMode(of: folder) {
            logger.warning(
                "other users may read the state folder \(folder) (mode \(mode)); run 'chmod 700' on it")
        }
    }

    private static func inPlace(
        _ configuration: DaemonConfiguration, models: [ServedModel], logger: Logger
    ) throws -> StartState {
        let folder = configuration.durableFolder
        if folder == nil {
            let remedy = configuration.stateFolder == nil ? "--state-dir DIR" : "--durability checkpoint"
            logger.notice("all state is in memory and ends with the daemon; give \(remedy) to keep it")
        }
        let store = try StateStore(folder: folder)
        if let folder { describe(store, in: folder, logger) }
        var journal: Journal?
        if let folder, configuration.durability == .journal || Journal.exists(in: folder) || store.expectsJournal {
            journal = try Journal(folder: folder, sync: configuration.journalSync, of: store)
        }
        var table = StreamTable(models: models, workers: StepWorkers(count: configuration.workers))
        // Set this before the replay, because a stream that turns NaN during the replay also returns to its last
        // checkpoint.
        table.hasStore = folder != nil
        var state = StartState(
            store: store, journal: journal, table: table, place: folder ?? "memory", logger: logger)
        try state.load(configuration.onOtherWeights)
        try store.examineRest()
        // Examine the journal before anything is written.
        let replayed = try state.replay(configuration.onOtherWeights)
        try store.begin(
            journal, journalKind: configuration.journalSync == .full ? .full : .normal,
            isWhole: replayed?.connects ?? true)
        try state.finishReplay(replayed, goesOn: configuration.durability == .journal)
        try store.keepLayouts(of: models)
        state.dictionaries = try store.dictionaries()
        if configuration.durability == .journal { try state.startRecording() }
        state.logSequences()
        return state
    }

    private init(
        store: StateStore, journal: Journal?, table: consuming StreamTable, place: String, logger: Logger
    ) {
        self.store = store
        self.journal = journal
        self.table = table
        self.place = place
        self.logger = logger
    }

    private mutating func startRecording() throws(StoreError) {
        guard let numbers = try journal?.numbers(of: table.models) else { return }
        weights = numbers
        table.journal.start(numbers)
    }

    /// Loads the streams of the last checkpoint. Streams that no model serves remain in the store.
    private mutating func load(_ onOtherWeights: StreamTable.OtherWeights) throws {
        var (stored, served) = (0, 0)
        let layouts = try store.layouts()
        try store.forEachSlice { slice in
            stored += slice.entries.count
            served += try table.load(slice, onOtherWeights, layouts: layouts)
        }
        if table.changedCount > 0 {
            let fate = onOtherWeights == .carry ? "continue with the current weights" : "begin at zero"
            logger.notice("\(table.changedCount) streams had other weights; they \(fate)")
        }
        if stored > 0 { logger.info("\(served) streams continue from the last checkpoint") }
        if served < stored {
            logger.warning(
                "\(stored - served) stored streams fit no model's prefixes; they are kept but not served")
        }
    }

    /// Applies the journal's records since the last checkpoint.
    ///
    /// - Returns: The outcome; nil if there is no journal.
    private mutating func replay(_ onOtherWeights: StreamTable.OtherWeights) throws -> ReplayedJournal? {
        defer { table.endReplay() }
        guard let journal else { return nil }
        let known = try journal.weights()
        let models = Dictionary(
            known.compactMap { weights in
                table.models.firstIndex { $0.fingerprint == weights.fingerprint && $0.rules == weights.rules }
                    .map { (weights.number, $0) }
            }, uniquingKeysWith: { first, _ in first })
        let checkpoint = store.position
        table.journal.skip(through: checkpoint)
        let loaded = table.journal.position

        var count = 0
        let (last, end) = try journal.forEachBatch(after: checkpoint) { first, reader in
            var (position, reader) = (first, reader)
            journalBytes += reader.byteCount
            while let record = reader.next() {
                if position > checkpoint {
                    if let number = record.weights, models[number] == nil,
                        !mayReplay(record, of: known, number, onOtherWeights)
                    {
                        throw mismatch(known, number)
                    }
                    table.replay(record, at: position, models: models)
                    if table.hasEvents { try wakeFaulty() }
                    count += 1
                }
                position += 1
            }
            guard reader.isAtEnd else {
                throw DaemonError(
                    .badData,
                    "\(place)/\(Journal.fileName): record \(position) cannot be read, as the file is damaged")
            }
        }
        if count > 0 { logger.info("replayed \(count) records of the journal") }
        let replayed = ReplayedJournal(last: last, end: end, loaded: loaded, count: count)
        guard last >= loaded || !store.journalWasWhole else {
            throw store.journalIsBehind(journalEnd: last, streams: loaded)
        }
        return replayed
    }

    /// Starts a new journal if the old one cannot be continued.
    ///
    /// If journaling is now off, the replayed state is stored at once. If it were not stored and the daemon crashed
    /// before the next checkpoint, the old journal would be replayed again and bring back streams that have been
    /// removed in the meantime.
    private mutating func finishReplay(_ replayed: ReplayedJournal?, goesOn: Bool) throws {
        guard let replayed else { return }
        guard replayed.connects, goesOn || replayed.count == 0 else {
            return try startAnew(replayed.last, replayed.end)
        }
    }

    /// Returns each stream whose state turned NaN or infinite during the replay to its last checkpoint, which is still
    /// in the store. The running daemon does the same.
    private mutating func wakeFaulty() throws(StoreError) {
        let ids = table.takeWakeRequests()
        _ = table.takeEvents()
        guard !ids.isEmpty else { return }
        let images = try store.streams(table.keys(of: ids)).images
        _ = table.wake(ids, images)
    }

    /// Returns whether timesteps that were recorded under other weights may be replayed under the current ones. This
    /// depends on the option for other weights.
    private func mayReplay(
        _ record: JournalRecords.Record, of known: [Journal.Weights], _ number: Int,
        _ onOtherWeights: StreamTable.OtherWeights
    ) -> Bool {
        guard onOtherWeights != .refuse, case .timesteps = record else { return false }
        let fingerprint = known.first { $0.number == number }?.fingerprint
        return !table.models.contains { $0.fingerprint == fingerprint }
    }

    /// Stores all streams in their current state, so that a new journal can begin.
    ///
    /// This is necessary if the daemon no longer keeps a journal, or if records are missing. Records are missing if the
    /// journal could not be written for some time and the daemon then crashed.
    private mutating func startAnew(_ last: UInt64, _ end: UInt64) throws {
        if last < end {
            logger.warning("records are missing in the journal after \(last); the records up to \(end) are ignored")
        }
        table.journal.skip(through: end)
        var next: Int? = 0
        while let first = next {
            let copied = table.copyChanged(from: first, limit: CheckpointSchedule.streamsPerSlice)
            try store.write(copied.slice)
            next = copied.next
        }
        try store.endCheckpoint(at: table.journal.position)
        try store.noteJournal(isWhole: true)
        journalBytes = 0
    }

    private func mismatch(_ known: [Journal.Weights], _ number: Int) -> DaemonError {
        let weights = known.first { $0.number == number }
        let fingerprint = weights?.fingerprint ?? ""
        let rules = weights?.rules ?? ""
        if let model = table.models.first(where: { $0.fingerprint == fingerprint }) {
            return DaemonError(
                .badData,
                """
                \(place)/\(Journal.fileName): its records were made with \(rules), but '\(model.name)' now has \
                \(model.rules); start once as before and stop, then change the options
                """)
        }
        return DaemonError(
            .badData,
            """
            \(place)/\(Journal.fileName): its records belong to the weights \(fingerprint.prefix(12))…, which no model \
            has; serve the model file of these weights, or give another --state-dir
            """)
    }

    /// Logs the sequence number after which each stream continues, so that producers can resend missing timesteps.
    private func logSequences() {
        guard table.count > 0 else { return }
        let isDebug = logger.logLevel <= .debug
        let page = table.page(prefix: nil, after: nil, limit: isDebug ? table.count : Self.streamsLogged, time: 0)
        for stream in page.streams {
            logger.info("stream \(VisibleText.quoted(stream.stream)) continues after sequence \(stream.sequence)")
        }
        if page.next != nil {
            logger.info(
                "and \(table.count - page.streams.count) more streams; run 'sluice streams' to list them, or log at level debug"
            )
        }
    }
}

extension DaemonError {
    fileprivate init(_ error: StoreError) {
        let code: Code =
            switch error.code {
            case .inUse: .inUse
            case .laterVersion, .damaged: .badData
            default: .cannotCreate
            }
        self.init(code, error.description)
    }
}
