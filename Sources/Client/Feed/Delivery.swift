import Wire

/// The timesteps that were sent, stream by stream, and how far the daemon has consumed them.
///
/// Every timestep that is sent has a number, so that one that is sent twice is consumed once. A stream is consumed when it has
/// reached the last number sent and the daemon counted no gap and no duplicate in it but those that the input has itself.
struct Delivery {
    /// So long without progress, and what is missing will not come.
    static let patience = Duration.seconds(5)
    /// So long without progress, and what waits behind a pause is waiting.
    static let pausePatience = Duration.seconds(1)

    /// One stream's account.
    struct Account {
        /// The number before that of the input's first timestep without a number of its own.
        var start: UInt64 = 0
        /// The number of the last timestep in the input so far.
        var position: UInt64 = 0
        /// The highest number that was sent: the stream reaches it when all is consumed.
        var target: UInt64
        /// The sequence number that the stream has reached.
        var reached: UInt64
        /// The sequence number that it reaches with what was sent over this connection.
        var sent: UInt64 = 0
        /// Numbers up to this one are not held any more, so that they cannot be sent again.
        var released: UInt64 = 0
        var isPaused = false
        /// The daemon's counts before this connection and since the start.
        var before = StreamTally()
        var tally = StreamTally()
        /// The counts that the input itself causes over this connection.
        var expected = StreamTally()
        /// Timesteps that may reach the daemon once more, over the connection before.
        var repeatable: UInt64 = 0

        /// Counts a message that is sent: the daemon skips what is numbered up to ``sent``, and sees a gap behind it.
        ///
        /// - Returns: How many of its timesteps the daemon will skip.
        mutating func add(_ reading: Reading) -> UInt64 {
            let last = reading.lastSequence
            let duplicates = reading.sequence > sent ? 0 : min(sent - reading.sequence + 1, UInt64(reading.timesteps))
            expected.duplicates += duplicates
            if reading.sequence > sent, reading.sequence - sent > 1 { expected.gaps += 1 }
            sent = max(sent, last)
            target = max(target, last)
            return duplicates
        }

        /// How often the daemon saw a gap, and timesteps that it skipped, beyond what the input has itself.
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

    /// Whether the input's timesteps are numbered from 1 over the stream's life, and those that were consumed are left out.
    let resumes: Bool
    private(set) var accounts: [StreamKey: Account] = [:]
    /// Timesteps that were sent, each counted once.
    private(set) var timesteps: UInt64 = 0
    /// Timesteps of the input that were not sent, since the daemon had consumed them before.
    private(set) var skipped: UInt64 = 0
    /// Timesteps that were sent and that the daemon skips, since their numbers had been consumed.
    private(set) var duplicates: UInt64 = 0
    /// Timesteps that were sent again after the daemon was lost.
    private(set) var repeated: UInt64 = 0
    private var lastSent: StreamKey?

    init(resumes: Bool) { self.resumes = resumes }

    /// Begins the accounts of streams that have none yet.
    ///
    /// - Parameters:
    ///   - streams: The streams, each once.
    ///   - control: The daemon.
    /// - Throws: ``ClientError`` where the daemon does not answer.
    mutating func open(_ streams: [StreamKey], control: ControlClient) throws(ClientError) {
        let entries = try control.streams(streams.map(\.id))
        for key in streams { accounts[key] = Account(target: 0, reached: 0) }
        for entry in entries { accounts[StreamKey(entry.stream)]?.update(entry) }
        let waiting = Dictionary(uniqueKeysWithValues: entries.map { (StreamKey($0.stream), UInt64($0.waiting)) })
        for key in streams {
            guard var account = accounts[key] else { continue }
            // What waits is consumed before what comes now.
            account.start = account.reached + (waiting[key] ?? 0)
            account.sent = account.start
            account.target = account.start
            account.position = resumes ? 0 : account.start
            account.before = account.tally
            accounts[key] = account
        }
    }

    /// Numbers a reading's timesteps on from those before it in the input, unless it has numbers of its own.
    ///
    /// - Parameter reading: Of a stream whose account is open.
    mutating func number(_ reading: inout Reading) {
        let key = StreamKey(reading.stream)
        guard var account = accounts[key] else { return }
        if reading.sequence == 0 { reading.sequence = account.position &+ 1 }
        account.position = resumes ? reading.lastSequence : max(account.position, reading.lastSequence)
        accounts[key] = account
    }

    /// Whether the daemon had consumed all of a reading before this input, where such timesteps are left out.
    mutating func leavesOut(_ reading: Reading) -> Bool {
        guard resumes, let account = accounts[StreamKey(reading.stream)], reading.lastSequence <= account.start else {
            return false
        }
        skipped += UInt64(reading.timesteps)
        return true
    }

    /// Counts what is sent for the first time.
    mutating func add(_ reading: Reading) {
        timesteps += UInt64(reading.timesteps)
        let key = StreamKey(reading.stream)
        duplicates += accounts[key]?.add(reading) ?? 0
        lastSent = key
    }

    /// Cuts off what the daemon has of a reading that was sent before, and counts the rest as sent again.
    ///
    /// - Returns: Whether anything is left to send.
    mutating func addAgain(_ reading: inout Reading) -> Bool {
        let key = StreamKey(reading.stream)
        guard let account = accounts[key], reading.lastSequence > account.sent else { return false }
        if reading.sequence <= account.sent { reading.removeFirst(Int(account.sent - reading.sequence + 1)) }
        let wasLeftOut = resumes && reading.lastSequence <= account.start
        if wasLeftOut {
            skipped -= min(skipped, UInt64(reading.timesteps))
            timesteps += UInt64(reading.timesteps)
        } else {
            repeated += UInt64(reading.timesteps)
        }
        _ = accounts[key]?.add(reading)
        lastSent = key
        return true
    }

    /// Notes that a reading is held no longer.
    mutating func release(_ reading: Reading) {
        let key = StreamKey(reading.stream)
        let released = accounts[key]?.released ?? 0
        accounts[key]?.released = max(released, reading.lastSequence)
    }

    /// Whether the daemon is known to have consumed a reading.
    func isConsumed(_ reading: Reading) -> Bool {
        accounts[StreamKey(reading.stream)].map { reading.lastSequence <= $0.reached } ?? true
    }

    /// Begins every account anew with where the daemon stands, over a new connection.
    ///
    /// - Parameters:
    ///   - control: The daemon, as it is now.
    ///   - isOther: It has been started since; else what was sent before may still come.
    ///   - readsAgain: The input is read again from its beginning, not from what is held.
    /// - Throws: ``ClientError`` with the status `temporary` where the daemon lacks what this input cannot give it.
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

    /// Asks for all accounts that have not reached their targets.
    ///
    /// - Throws: ``ClientError``; ``TimestepSender/lost`` where a stream went back.
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

    /// Waits until the daemon has consumed everything, or makes no progress any more.
    ///
    /// - Parameters:
    ///   - control: The daemon.
    ///   - before: Its status when the connection was made.
    ///   - isLost: Whether the connection that timesteps went by is lost.
    /// - Throws: ``ClientError`` with the status `temporary`, saying what is missing; ``TimestepSender/lost`` where the daemon
    ///   was lost or has been started since.
    mutating func waitUntilConsumed(
        control: ControlClient, since before: DaemonStatus, isLost: () throws(ClientError) -> Bool
    ) throws(ClientError) {
        var lastProgress = ContinuousClock.now
        var progress: UInt64 = 0
        var pause = Duration.milliseconds(2)
        while true {
            // Of many streams the one that was sent last tells first: the others came before it.
            let pending = accounts.filter { $0.value.reached < $0.value.target }
            if pending.count > ControlCommand.maximumNamed, let lastSent, let last = pending[lastSent], !last.isPaused,
                ContinuousClock.now - lastProgress < Self.pausePatience
            {
                try refresh([lastSent], control: control)
            } else {
                try refresh(control: control)
            }
            let after = try control.call(.status, as: DaemonStatus.self)
            guard try !isLost(), after.instance == before.instance else { throw TimestepSender.lost }
            let left = accounts.filter { $0.value.reached < $0.value.target }
            if left.isEmpty { return try checkTallies(control: control, before: before, after: after) }
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

    /// Sees that no stream reached its target past a hole, or by timesteps of somebody else.
    private mutating func checkTallies(
        control: ControlClient, before: DaemonStatus, after: DaemonStatus
    ) throws(ClientError) {
        // Unless something was counted somewhere, each stream's counts are as they were.
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

    /// The timesteps that are missing, as far as is known, when the daemon does not come back.
    var explanationOfLoss: String {
        let pending = accounts.filter { $0.value.reached < $0.value.target }
        guard !pending.isEmpty else { return "it may have lost what it had consumed since its last checkpoint" }
        return Self.missing(pending, timesteps: timesteps) + ", as far as is known"
    }
}

extension Reading {
    /// The number of its last timestep.
    var lastSequence: UInt64 { sequence &+ (UInt64(timesteps) - 1) }

    /// Cuts off timesteps that were consumed; a start among them has been made.
    mutating func removeFirst(_ count: Int) {
        values.removeFirst(count * (values.count / max(1, timesteps)))
        timesteps -= count
        sequence += UInt64(count)
        flags.remove(.start)
    }
}
