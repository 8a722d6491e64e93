import Wire

/// Tracks, for each stream, which timesteps were sent and how far the daemon has consumed them.
///
/// Every timestep sent has a sequence number, so the daemon consumes a repeated timestep only once. A stream is
/// complete when the daemon has consumed up to the last number sent. For a complete stream, the daemon must not have
/// counted any gaps or duplicates that are not in the input itself.
struct Delivery {
    /// The time without progress after which missing timesteps count as lost.
    static let patience = Duration.seconds(5)
    /// The time without progress after which the timesteps of paused streams count as held back by the pause.
    static let pausePatience = Duration.seconds(1)

    /// The account of one stream.
    struct Account {
        /// The sequence number just before the input's first timestep, if the input has no sequence numbers.
        var start: UInt64 = 0
        /// The sequence number of the last timestep read from the input.
        var position: UInt64 = 0
        /// The highest sequence number sent. The stream reaches it when all its timesteps are consumed.
        var target: UInt64
        /// The sequence number that the stream has reached.
        var reached: UInt64
        /// The sequence number that the stream will reach with the timesteps sent over this connection.
        var sent: UInt64 = 0
        /// The highest sequence number whose timestep is no longer kept and cannot be sent again.
        var released: UInt64 = 0
        var isPaused = false
        /// The daemon's counts before this connection, and its current counts.
        var before = StreamTally()
        var tally = StreamTally()
        /// The gaps and duplicates that the input itself causes over this connection.
        var expected = StreamTally()
        /// The number of timesteps that may still arrive over the previous connection and would then be duplicates.
        var repeatable: UInt64 = 0

        /// Counts a message to send. The daemon skips timesteps with sequence numbers up to ``sent``, and counts a gap
        /// if a sequence number is missing.
        ///
        /// - Returns: The number of timesteps that the daemon will skip.
        mutating func add(_ row: InputRow) -> UInt64 {
            let last = row.lastSequence
            let duplicates = row.sequence > sent ? 0 : min(sent - row.sequence + 1, UInt64(row.timesteps))
            expected.duplicates += duplicates
            if row.sequence > sent, row.sequence - sent > 1 { expected.gaps += 1 }
            sent = max(sent, last)
            target = max(target, last)
            return duplicates
        }

        /// The gaps and skipped timesteps that the input itself does not explain.
        var surprises: StreamTally {
            let gaps = tally.gaps &- before.gaps
            let duplicates = tally.duplicates &- before.duplicates
            let allowed = expected.duplicates + repeatable
            return StreamTally(
                gaps: gaps > expected.gaps ? gaps - expected.gaps : 0,
                duplicates: duplicates > allowed ? duplicates - allowed : 0)
        }

        mutating func update(_ entry: StreamStatus) {
            reached = entry.sequence
            isPaused = entry.paused
            tally = entry.tally
        }
    }

    /// Whether the input contains each stream's timesteps from sequence number 1 on. If it does, timesteps that the
    /// daemon has already consumed are skipped.
    let resumes: Bool
    private(set) var accounts: [StreamKey: Account] = [:]
    /// The number of timesteps sent, each counted once.
    private(set) var timesteps: UInt64 = 0
    /// The number of timesteps in the input that were skipped because the daemon had already consumed them.
    private(set) var skipped: UInt64 = 0
    /// The number of sent timesteps that the daemon skips because it had already consumed their sequence numbers.
    private(set) var duplicates: UInt64 = 0
    /// The number of timesteps sent again after the connection to the daemon was lost.
    private(set) var repeated: UInt64 = 0
    private var lastSent: StreamKey?

    init(resumes: Bool) { self.resumes = resumes }

    /// Opens accounts for new streams.
    ///
    /// - Parameters:
    ///   - streams: The streams, without duplicates.
    ///   - control: The daemon.
    /// - Throws: ``ClientError`` if the daemon does not answer.
    mutating func open(_ streams: [StreamKey], control: ControlClient) throws(ClientError) {
        let entries = try control.streams(streams.map(\.id))
        for key in streams { accounts[key] = Account(target: 0, reached: 0) }
        for entry in entries { accounts[StreamKey(entry.stream)]?.update(entry) }
        let waiting = Dictionary(uniqueKeysWithValues: entries.map { (StreamKey($0.stream), UInt64($0.waiting)) })
        for key in streams {
            guard var account = accounts[key] else { continue }
            // The daemon consumes its waiting timesteps before new ones, so the new ones are numbered after them.
            account.start = account.reached + (waiting[key] ?? 0)
            account.sent = account.start
            account.target = account.start
            account.position = resumes ? 0 : account.start
            account.before = account.tally
            accounts[key] = account
        }
    }

    /// Assigns the stream's next sequence numbers to a row's timesteps, unless the row has its own.
    ///
    /// - Parameter row: A row of a stream with an open account.
    mutating func number(_ row: inout InputRow) {
        let key = StreamKey(row.stream)
        guard var account = accounts[key] else { return }
        if row.sequence == 0 { row.sequence = account.position &+ 1 }
        account.position = resumes ? row.lastSequence : max(account.position, row.lastSequence)
        accounts[key] = account
    }

    /// Counts a row as skipped if the daemon had consumed the whole row before this feed began.
    ///
    /// - Returns: Whether the row is skipped.
    mutating func skipIfConsumed(_ row: InputRow) -> Bool {
        guard resumes, let account = accounts[StreamKey(row.stream)], row.lastSequence <= account.start else {
            return false
        }
        skipped += UInt64(row.timesteps)
        return true
    }

    /// Counts a row that is sent for the first time.
    mutating func add(_ row: InputRow) {
        timesteps += UInt64(row.timesteps)
        let key = StreamKey(row.stream)
        duplicates += accounts[key]?.add(row) ?? 0
        lastSent = key
    }

    /// Prepares a row for sending after the connection was lost: removes the timesteps that the daemon has consumed,
    /// and counts the others.
    ///
    /// - Returns: Whether anything is left to send.
    mutating func addAgain(_ row: inout InputRow) -> Bool {
        let key = StreamKey(row.stream)
        guard let account = accounts[key], row.lastSequence > account.sent else { return false }
        if row.sequence <= account.sent { row.removeFirst(Int(account.sent - row.sequence + 1)) }
        let wasLeftOut = resumes && row.lastSequence <= account.start
        if wasLeftOut {
            skipped -= min(skipped, UInt64(row.timesteps))
            timesteps += UInt64(row.timesteps)
        } else {
            repeated += UInt64(row.timesteps)
        }
        _ = accounts[key]?.add(row)
        lastSent = key
        return true
    }

    /// Records that a row is no longer kept.
    mutating func release(_ row: InputRow) {
        let key = StreamKey(row.stream)
        let released = accounts[key]?.released ?? 0
        accounts[key]?.released = max(released, row.lastSequence)
    }

    /// Returns whether the daemon is known to have consumed a row.
    func isConsumed(_ row: InputRow) -> Bool {
        accounts[StreamKey(row.stream)].map { row.lastSequence <= $0.reached } ?? true
    }

    /// Reopens every account for a new connection, at the daemon's current sequence numbers.
    ///
    /// - Parameters:
    ///   - control: The daemon.
    ///   - isOther: Whether the daemon has restarted. If not, earlier messages may still arrive.
    ///   - readsAgain: Whether the input is read again from its beginning. If not, kept messages are sent again.
    /// - Throws: ``ClientError`` with the status `temporary` if the daemon lacks timesteps that this input cannot
    ///   repeat.
    mutating func rebase(control: ControlClient, isOther: Bool, readsAgain: Bool) throws(ClientError) {
        let keys = Array(accounts.keys)
        var entries: [StreamKey: StreamStatus] = [:]
        for entry in try control.streams(keys.map(\.id)) { entries[StreamKey(entry.stream)] = entry }
        var lost: [StreamKey: ClosedRange<UInt64>] = [:]
        for key in keys {
            guard var account = accounts[key] else { continue }
            account.reached = 0
            account.isPaused = false
            account.tally = StreamTally()
            if let entry = entries[key] { account.update(entry) }
            account.before = account.tally
            account.expected = StreamTally()
            account.sent = account.reached
            account.repeatable = isOther ? 0 : account.target - min(account.target, account.reached)
            let first = readsAgain ? (resumes ? 0 : account.start) : max(account.released, resumes ? 0 : account.start)
            if account.reached < first { lost[key] = account.reached + 1...first }
            if readsAgain { account.position = resumes ? 0 : account.start }
            accounts[key] = account
        }
        guard lost.isEmpty else { throw ClientError(.temporary, Self.explain(lost: lost)) }
    }

    /// Updates all accounts that have not reached their targets.
    ///
    /// - Throws: ``ClientError``; ``TimestepSender/lost`` if a stream's sequence number has decreased.
    mutating func refresh(control: ControlClient) throws(ClientError) {
        try refresh(accounts.filter { $0.value.reached < $0.value.target }.map(\.key), control: control)
    }

    private mutating func refresh(_ keys: [StreamKey], control: ControlClient) throws(ClientError) {
        var missing = Set(keys)
        for entry in try control.streams(keys.map(\.id)) {
            let key = StreamKey(entry.stream)
            missing.remove(key)
            if entry.sequence < accounts[key]?.reached ?? 0 { throw TimestepSender.lost }
            accounts[key]?.update(entry)
        }
        if missing.contains(where: { accounts[$0]?.reached ?? 0 > 0 }) { throw TimestepSender.lost }
    }

    /// Waits until the daemon has consumed all timesteps or makes no more progress.
    ///
    /// - Parameters:
    ///   - control: The daemon.
    ///   - before: The daemon's status when the connection was made.
    ///   - checkLoss: Returns whether the connection for timesteps is lost.
    /// - Returns: The daemon's status after it has consumed all timesteps.
    /// - Throws: ``ClientError`` with the status `temporary` if timesteps are missing, or ``TimestepSender/lost`` if
    ///   the daemon was lost or has restarted.
    mutating func waitUntilConsumed(
        control: ControlClient, since before: DaemonStatus, checkLoss: () throws(ClientError) -> Bool
    ) throws(ClientError) -> DaemonStatus {
        var lastProgress = ContinuousClock.now
        var progress: UInt64 = 0
        var pause = Duration.milliseconds(2)
        while true {
            // With many pending streams, check only the stream whose timesteps were sent last, because all others
            // arrived earlier.
            let pending = accounts.filter { $0.value.reached < $0.value.target }
            if pending.count > ControlCommand.maximumNamed, let lastSent, let last = pending[lastSent], !last.isPaused,
                ContinuousClock.now - lastProgress < Self.pausePatience
            {
                try refresh([lastSent], control: control)
            } else {
                try refresh(control: control)
            }
            let after = try control.call(.status)
            guard try !checkLoss(), after.instance == before.instance else { throw TimestepSender.lost }
            let left = accounts.filter { $0.value.reached < $0.value.target }
            if left.isEmpty {
                try checkTallies(control: control, before: before, after: after)
                return after
            }
            let now = ContinuousClock.now
            let total = accounts.values.reduce(0) { $0 &+ $1.reached }
            if total != progress { lastProgress = now }
            progress = total
            let arePaused = left.values.allSatisfy(\.isPaused)
            if now - lastProgress > (arePaused ? Self.pausePatience : Self.patience) {
                throw ClientError(.temporary, Self.explain(left, timesteps: timesteps, before: before, after: after))
            }
            Pacer.sleep(pause)
            pause = min(pause * 2, .milliseconds(200))
        }
    }

    /// Checks that each stream reached its target through this feed's timesteps, not through skipped timesteps or those
    /// of another producer.
    private mutating func checkTallies(
        control: ControlClient, before: DaemonStatus, after: DaemonStatus
    ) throws(ClientError) {
        // If the daemon's totals match, each stream's counts match too, and no stream needs a closer look.
        let expected = accounts.values.reduce(into: StreamTally()) {
            $0.gaps += $1.expected.gaps
            $0.duplicates += $1.expected.duplicates
        }
        guard
            after.gaps &- before.gaps != expected.gaps || after.duplicates &- before.duplicates != expected.duplicates
        else { return }
        try refresh(Array(accounts.keys), control: control)
        let odd = accounts.filter { $0.value.surprises != StreamTally() }
        guard odd.isEmpty else { throw ClientError(.temporary, Self.explain(odd: odd, timesteps: timesteps)) }
    }

    /// An explanation of the known losses, for the error if the daemon does not come back.
    var explanationOfLoss: String {
        let pending = accounts.filter { $0.value.reached < $0.value.target }
        guard !pending.isEmpty else { return "it may have lost all timesteps since its last checkpoint" }
        return Self.missing(pending, timesteps: timesteps) + ", as far as is known"
    }
}

extension InputRow {
    /// The sequence number of the row's last timestep.
    var lastSequence: UInt64 { sequence &+ (UInt64(timesteps) - 1) }

    /// Removes consumed timesteps from the beginning, together with the start flag.
    mutating func removeFirst(_ count: Int) {
        values.removeFirst(count * (values.count / max(1, timesteps)))
        timesteps -= count
        sequence += UInt64(count)
        flags.remove(.start)
    }
}
