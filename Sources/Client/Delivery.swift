import Wire

/// What was sent, stream by stream, and how far the daemon has consumed it: a stream's `sequence` tells.
struct Delivery {
    /// From so many streams on they are asked for page by page, not one by one.
    static let manyStreams = 64
    /// So long without progress, and what is missing will not come.
    static let patience = Duration.seconds(5)
    /// So long without progress, and what waits behind a pause is waiting.
    static let pausePatience = Duration.seconds(1)

    /// One stream's account.
    struct Account {
        /// How many values a timestep has.
        let features: Int
        /// How many tokens there are, where a timestep is a token.
        var vocabulary: Int?
        /// The sequence number that the stream reaches when all is consumed.
        var target: UInt64
        /// The sequence number that it has reached.
        var reached: UInt64
        /// The number of the last timestep in the input so far, where these are numbered.
        var position: UInt64 = 0
        /// The sequence number that it had reached before anything was sent.
        var start: UInt64 = 0
        var isPaused = false

        /// Counts what was sent: the daemon counts on, or the message says which numbers its timesteps have.
        mutating func add(_ reading: Reading) {
            let count = UInt64(reading.timesteps)
            let last = reading.sequence == 0 ? target &+ count : reading.sequence &+ (count - 1)
            target = max(target, last)
        }
    }

    private(set) var accounts: [StreamKey: Account] = [:]
    private(set) var timesteps: UInt64 = 0
    /// Timesteps of the input that were not sent, since the daemon had consumed them before.
    private(set) var skipped: UInt64 = 0
    /// Every stream's sequence number as of when the first page was asked for; nil as long as none was.
    private var pages: [StreamKey: UInt64]?

    /// Begins a stream's account where there is none yet.
    ///
    /// - Returns: The account.
    mutating func open(
        _ stream: String, routes: ModelRoutes, control: ControlClient, place: String
    ) throws(ClientError) -> Account {
        let key = StreamKey(stream)
        if let account = accounts[key] { return account }
        let model = try routes.model(for: stream, place: place)
        let reached = try sequence(of: stream, control: control)
        let account = Account(
            features: model.features, vocabulary: model.tokens, target: reached, reached: reached, start: reached)
        accounts[key] = account
        return account
    }

    /// Numbers a reading's timesteps on from those before it in the input, unless it has numbers of its own.
    ///
    /// - Parameter reading: Of a stream whose account is open.
    /// - Returns: Whether the daemon had consumed all of them before.
    mutating func number(_ reading: inout Reading) -> Bool {
        let key = StreamKey(reading.stream)
        guard var account = accounts[key] else { return false }
        if reading.sequence == 0 { reading.sequence = account.position &+ 1 }
        account.position = reading.sequence &+ (UInt64(reading.timesteps) - 1)
        accounts[key] = account
        guard account.position <= account.start else { return false }
        skipped += UInt64(reading.timesteps)
        return true
    }

    /// Counts what was sent.
    mutating func add(_ reading: Reading) {
        timesteps += UInt64(reading.timesteps)
        accounts[StreamKey(reading.stream)]?.add(reading)
    }

    /// Waits until the daemon has consumed everything, or makes no progress any more.
    ///
    /// - Throws: ``ClientError`` with the status `temporary`, saying what is missing.
    mutating func waitUntilConsumed(control: ControlClient, since before: DaemonStatus) throws(ClientError) {
        var lastProgress = ContinuousClock.now
        var pause = Duration.milliseconds(2)
        while true {
            let reached = total
            try refresh(control: control)
            let pending = accounts.filter { $0.value.reached < $0.value.target }
            if pending.isEmpty { return }
            let now = ContinuousClock.now
            if total != reached { lastProgress = now }
            let arePaused = pending.values.allSatisfy(\.isPaused)
            if now - lastProgress > (arePaused ? Self.pausePatience : Self.patience) {
                let after = try control.call(.status, as: DaemonStatus.self)
                throw ClientError(.temporary, Self.explain(pending, timesteps: timesteps, before: before, after: after))
            }
            Pacer.sleep(pause)
            pause = min(pause * 2, .milliseconds(200))
        }
    }

    private var total: UInt64 {
        accounts.values.reduce(0) { $0 &+ $1.reached }
    }

    private mutating func sequence(of stream: String, control: ControlClient) throws(ClientError) -> UInt64 {
        let key = StreamKey(stream)
        if let pages { return pages[key] ?? 0 }
        guard accounts.count >= Self.manyStreams else { return try control.stream(stream)?.sequence ?? 0 }
        var all: [StreamKey: UInt64] = [:]
        try control.forEachPage { page in
            for entry in page { all[StreamKey(entry.stream)] = entry.sequence }
        }
        pages = all
        return all[key] ?? 0
    }

    private mutating func refresh(control: ControlClient) throws(ClientError) {
        if accounts.count > Self.manyStreams {
            var accounts = accounts
            try control.forEachPage(prefix: Self.commonPrefix(accounts.keys.map(\.id))) { page in
                for entry in page {
                    accounts[StreamKey(entry.stream)]?.reached = entry.sequence
                    accounts[StreamKey(entry.stream)]?.isPaused = entry.paused
                }
            }
            self.accounts = accounts
            return
        }
        for (key, account) in accounts where account.reached < account.target {
            guard let entry = try control.stream(key.id) else { continue }
            accounts[key]?.reached = entry.sequence
            accounts[key]?.isPaused = entry.paused
        }
    }

    /// What all of the texts begin with, in whole characters.
    static func commonPrefix(_ texts: some Collection<String>) -> String {
        guard var prefix = texts.first?.unicodeScalars[...] else { return "" }
        for text in texts {
            let same = zip(prefix, text.unicodeScalars).prefix { $0 == $1 }.count
            prefix = prefix.prefix(same)
        }
        return String(prefix)
    }

    /// What is missing, where, and what may be the reason, in one line.
    static func explain(
        _ pending: [StreamKey: Account], timesteps: UInt64, before: DaemonStatus, after: DaemonStatus
    ) -> String {
        let missing = pending.values.reduce(UInt64(0)) { $0 + ($1.target - min($1.target, $1.reached)) }
        let named = pending.sorted { $0.key < $1.key }.prefix(5).map { key, account in
            "\(key.id) is at \(account.reached) of \(account.target)\(account.isPaused ? " and paused" : "")"
        }
        let more = pending.count > 5 ? ", and \(Quantity.count(pending.count - 5, of: "more stream"))" : ""
        var text = "\(Quantity.count(missing)) of \(Quantity.count(timesteps, of: "timestep")) "
        if pending.values.allSatisfy(\.isPaused) {
            text += "wait in the daemon: \(named.joined(separator: ", "))\(more); sluice resume lets them go on"
        } else {
            text += "were not consumed: \(named.joined(separator: ", "))\(more)"
            if after.paused > 0 { text += "; \(Quantity.count(after.paused, of: "stream")) of the daemon's paused" }
        }
        let dropped = after.dropped.compactMap { cause, count in
            let new = count - min(count, before.dropped[cause] ?? 0)
            return new > 0 ? "\(Quantity.count(new)) \(cause)" : nil
        }
        if !dropped.isEmpty { text += "; dropped meanwhile: \(dropped.sorted().joined(separator: ", "))" }
        return text
    }
}
