import Wire
import ZeroMQ

/// One run of a ``Feed``. It sends the input, notices if the daemon is lost, and resends the timesteps that the daemon
/// has lost. A run has one owner and one thread.
///
/// A run first connects to the daemon and then asks for the streams' sequence numbers. Every message over this
/// connection therefore reaches the daemon that answered, or no daemon at all.
final class FeedRun {
    /// The maximum time for a lost daemon to come back, in seconds.
    private static let returnSeconds = 30.0
    /// The number of messages between two checks of the connection.
    private static let messagesBetweenLooks = 64
    /// The maximum number of consecutive recoveries without progress.
    private static let maximumRecoveries = 10

    private let file: InputFile
    private let options: Feed.Options
    private let context: Context
    private var control: ControlClient
    /// The connection; nil while the daemon is lost.
    private var connection: TimestepSender?
    private var status: DaemonStatus

    private var delivery: Delivery
    private var queue: RowQueue
    /// The sent messages; nil if the file can be read again.
    private var unconfirmed: UnconfirmedMessages?
    private var pacer: Pacer?
    private var meter: ProgressMeter
    private let interruption: Interruption
    /// Whether rows are still read and sent.
    private var takesRows = true

    /// The message that the next rows may join, the number of rows in it, and whether it was sent before.
    private var waiting: (message: InputRow, rows: Int, isAgain: Bool)?
    /// The number of rows read from the input so far, and the number of those rows that have been sent or skipped.
    private var rowsTaken = 0
    private var rowsDone = 0
    /// The number of rows at the beginning of the input that were sent before the daemon was lost.
    private var rowsBefore = 0
    private var messages = 0
    private var recoveries = 0
    private var reachedBefore: UInt64 = 0
    private var hasLostDaemon = false

    init(
        _ file: InputFile, options: Feed.Options, control: ControlClient, in context: Context
    ) throws(ClientError) {
        self.file = file
        self.options = options
        self.control = control
        self.context = context
        interruption = try ClientError.wrapping { () throws(ZeroMQError) in try Interruption() }
        file.interruption = interruption
        status = try control.call(.status)
        connection = try Self.sender(options, control: control, status: status, in: context)
        delivery = Delivery(resumes: options.resumes)
        queue = try RowQueue(file, layout: options.layout, routes: ModelRoutes(status.models))
        unconfirmed = file.isRewindable ? nil : UnconfirmedMessages()
        pacer = options.rate.map { [interruption] in Pacer(rate: $0, interruption: interruption) }
        meter = ProgressMeter(total: file.size)
    }

    private static func sender(
        _ options: Feed.Options, control: ControlClient, status: DaemonStatus, in context: Context
    ) throws(ClientError) -> TimestepSender {
        let ingest =
            if let given = options.ingest {
                given
            } else {
                try status.ingest(options.streamsPerMessage > 1 ? .batch : .binary, control: control.endpoint)
            }
        let sender = try TimestepSender(
            endpoint: ingest, patienceSeconds: options.timeoutSeconds, rowsPerMessage: options.streamsPerMessage,
            credentials: control.credentials, in: context)
        try sender.waitForDaemon()
        return sender
    }

    /// Sends all rows and waits until the daemon has consumed them.
    ///
    /// - Returns: A report.
    func run() throws(ClientError) -> FeedReport {
        let start = ContinuousClock.now
        // This status is the baseline for the counts at the end.
        status = try control.call(.status)
        var failure: ClientError?
        let after: DaemonStatus
        while true {
            do throws(ClientError) {
                if failure == nil {
                    do throws(ClientError) {
                        try sendRows()
                    } catch {
                        // The rows before the bad one have already been sent, so make sure that they arrive.
                        guard error.status == .data, delivery.timesteps > 0 else { throw error }
                        failure = error
                    }
                }
                meter.finish()
                after = try delivery.waitUntilConsumed(control: control, since: status) { () throws(ClientError) in
                    try checkLoss()
                }
                break
            } catch {
                guard error == TimestepSender.lost || error.status == .unavailable else { throw error }
                meter.finish()
                guard takesRows else { throw gone }
                try recover()
                // If the file is read again from the beginning, the bad row will fail again.
                if unconfirmed == nil { failure = nil }
            }
        }
        if let failure {
            let sent = Quantity.count(delivery.timesteps, of: "timestep")
            throw ClientError(failure.status, "\(failure.message); the \(sent) before it were consumed")
        }
        return FeedReport(
            delivery: delivery, seconds: (ContinuousClock.now - start) / .seconds(1),
            decisions: DecisionCount(
                before: status, after: after, consumed: delivery.timesteps - delivery.duplicates,
                models: queue.usedModels, hasLostDaemon: hasLostDaemon),
            hasLostDaemon: hasLostDaemon, badRows: queue.badRows,
            signal: takesRows ? nil : interruption.signal, canResume: file.isRewindable)
    }

    private func checkLoss() throws(ClientError) -> Bool { try connection?.checkLoss() ?? true }

    private func sendRows() throws(ClientError) {
        do throws(ClientError) {
            while true {
                if takesRows, interruption.isRequested {
                    takesRows = false
                    if !sendsRest { break }
                    queue.interrupt()
                }
                if queue.wouldWait { try sendAll() }
                if queue.wouldWait {
                    if try checkLoss() { throw TimestepSender.lost }
                    file.waitUntilReadable(milliseconds: 500)
                    continue
                }
                guard let row = try queue.peek() else {
                    if queue.isAtEnd { break }
                    continue
                }
                if delivery.accounts[StreamKey(row.stream)] == nil {
                    let new = queue.streams.filter { delivery.accounts[$0] == nil }
                    try delivery.open(new, control: control)
                }
                queue.advance()
                try take(row)
            }
        } catch {
            if error.status == .data { try sendAll() }
            throw error
        }
        try sendAll()
    }

    /// Sends all rows that are waiting for more rows to join their message.
    private func sendAll() throws(ClientError) {
        try flush()
        try connection?.flush()
    }

    /// Whether to send the rows that had been read when an interruption arrived. Rows of a file are not sent, because
    /// they can be sent later. Rows that `--rate` holds back are not sent either, because they are not due yet.
    private var sendsRest: Bool { !file.isRewindable && (pacer == nil || queue.isEmpty) }

    private func take(_ row: InputRow) throws(ClientError) {
        var row = row
        delivery.number(&row)
        rowsTaken += 1
        let isAgain = rowsTaken <= rowsBefore
        if !isAgain, delivery.skipIfConsumed(row) {
            try flush()
            unconfirmed?.append(row)
            rowsDone = rowsTaken
            return
        }
        if var current = waiting, current.isAgain == isAgain, current.message.join(row, limit: options.batch) {
            current.rows += 1
            waiting = current
        } else {
            try flush()
            waiting = (row, 1, isAgain)
        }
        if row.timesteps >= options.batch || waiting?.message.timesteps ?? 0 >= options.batch { try flush() }
    }

    private func flush() throws(ClientError) {
        guard let (message, rows, isAgain) = waiting else { return }
        // If sending fails, the message stays in `waiting` and is sent after the recovery.
        if isAgain {
            try sendAgain(message)
        } else {
            if pacer?.mustWait == true { try connection?.flush() }
            pacer?.wait(for: message.timesteps)
            try makeRoom()
            try look()
            try connection?.send(message)
            unconfirmed?.append(message)
            delivery.add(message)
        }
        waiting = nil
        rowsDone += rows
        meter.update(done: queue.byteCount, timesteps: delivery.timesteps)
    }

    private func sendAgain(_ message: InputRow) throws(ClientError) {
        var rest = message
        guard delivery.addAgain(&rest) else { return }
        try look()
        try connection?.send(rest)
    }

    /// Checks the connection from time to time.
    private func look() throws(ClientError) {
        messages += 1
        guard messages % Self.messagesBetweenLooks == 0 || pacer != nil else { return }
        if try checkLoss() { throw TimestepSender.lost }
    }

    /// Releases consumed messages if too many are kept, and waits until there is room for more.
    private func makeRoom() throws(ClientError) {
        guard unconfirmed?.isFull == true else { return }
        try connection?.flush()
        var lastProgress = ContinuousClock.now
        while unconfirmed?.hasRoom == false {
            var hasReleased = false
            while unconfirmed?.hasRoom == false,
                let message = unconfirmed?.releaseFirst(if: { delivery.isConsumed($0) })
            {
                delivery.release(message)
                hasReleased = true
            }
            if unconfirmed?.hasRoom != false { return }
            if hasReleased { lastProgress = ContinuousClock.now }
            if try checkLoss() { throw TimestepSender.lost }
            guard ContinuousClock.now - lastProgress < .seconds(options.timeoutSeconds) else {
                throw ClientError(.temporary, delivery.explanationOfLoss)
            }
            try delivery.refresh(control: control)
            Pacer.sleep(.milliseconds(20))
        }
    }

    /// Waits for the lost daemon or its successor. Then sends the kept messages again, or rewinds the file so that its
    /// rows are sent again.
    private func recover() throws(ClientError) {
        hasLostDaemon = true
        // Close this connection before opening the next one, because a bound address must be free.
        try connection?.abandon()
        connection = nil
        let reached = delivery.accounts.values.reduce(0) { $0 &+ $1.reached }
        recoveries = reached > reachedBefore ? 0 : recoveries + 1
        reachedBefore = reached
        let deadline = ContinuousClock.now + .seconds(min(Self.returnSeconds, options.timeoutSeconds))
        var output = StandardStream.error
        try output.writeLine("lost the daemon at \(control.endpoint.address); waiting for its return")
        while true {
            do throws(ClientError) {
                control = try control.again()
                let now = try control.call(.status)
                connection = try Self.sender(options, control: control, status: now, in: context)
                let isOther = now.instance != status.instance
                status = try control.call(.status)
                if status.instance == now.instance {
                    try delivery.rebase(control: control, isOther: isOther, readsAgain: unconfirmed == nil)
                    break
                }
            } catch {
                guard error.status == .unavailable else { throw error }
                guard ContinuousClock.now < deadline, !interruption.isRequested else { throw gone }
            }
            interruption.sleep(.milliseconds(200))
        }
        guard recoveries < Self.maximumRecoveries else { throw gone }
        if let unconfirmed {
            for message in unconfirmed.all { try unlessLost { () throws(ClientError) in try sendAgain(message) } }
            try unlessLost { () throws(ClientError) in try connection?.flush() }
        } else {
            try queue.rewind()
            rowsBefore = max(rowsBefore, rowsDone)
            rowsTaken = 0
            rowsDone = 0
            waiting = nil
        }
    }

    /// Calls `send`, and ignores the error if the connection breaks again. The next send then reports the loss.
    private func unlessLost(_ send: () throws(ClientError) -> Void) throws(ClientError) {
        do throws(ClientError) {
            try send()
        } catch {
            guard error == TimestepSender.lost else { throw error }
        }
    }

    private var gone: ClientError {
        let seconds = Quantity.decimal(min(Self.returnSeconds, options.timeoutSeconds))
        return ClientError(
            .temporary,
            "the daemon at \(control.endpoint.address) was lost and did not come back within \(seconds) s; "
                + delivery.explanationOfLoss)
    }
}
