import Wire
import ZeroMQ

/// One run of a ``Feed``: sends, sees when the daemon is lost, and sends again what the daemon has lost. One owner, one thread.
///
/// A connection to the daemon is made first, and then the daemon is asked where its streams stand. So whatever is sent over the
/// connection reaches the daemon that was asked, or nobody.
final class FeedRun {
    /// The longest that a daemon that was lost may take to come back.
    private static let returnSeconds = 30.0
    /// Messages after which it is seen whether the connection is still there.
    private static let messagesBetweenLooks = 64
    /// Recoveries in a row without progress, after which it is no use.
    private static let maximumRecoveries = 10

    private let file: InputFile
    private let options: Feed.Options
    private let context: Context
    private var control: ControlClient
    /// Nil while there is no connection.
    private var connection: TimestepSender?
    private var status: DaemonStatus

    private var delivery: Delivery
    private var queue: RowQueue
    /// Nil where the file can be read again.
    private var held: HeldMessages?
    private var pacer: Pacer?
    private var meter: ProgressMeter

    /// The message that the next rows may still join, how many rows it has, and whether it was sent before.
    private var waiting: (message: Reading, rows: Int, isAgain: Bool)?
    /// Rows of the input that were taken since its beginning, and those of them that were sent or left out.
    private var rowsTaken = 0
    private var rowsDone = 0
    /// Rows up to this one were sent before the daemon was lost.
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
        status = try control.call(.status, as: DaemonStatus.self)
        connection = try Self.sender(options, control: control, status: status, in: context)
        delivery = Delivery(resumes: options.resumes)
        queue = try RowQueue(file, layout: options.layout, routes: ModelRoutes(status.models))
        held = file.isRewindable ? nil : HeldMessages()
        pacer = options.rate.map(Pacer.init)
        meter = ProgressMeter(total: file.size)
    }

    private static func sender(
        _ options: Feed.Options, control: ControlClient, status: DaemonStatus, in context: Context
    ) throws(ClientError) -> TimestepSender {
        let ingest =
            if let given = options.ingest { given } else { try status.binaryIngest(control: control.endpoint) }
        let sender = try TimestepSender(
            endpoint: ingest, patienceSeconds: options.timeoutSeconds, credentials: control.credentials, in: context)
        try sender.waitForDaemon()
        return sender
    }

    /// Sends everything, and waits until it is consumed.
    ///
    /// - Returns: What was done, in one line.
    func run() throws(ClientError) -> String {
        let start = ContinuousClock.now
        // What is counted from here on is counted while this input is sent.
        status = try control.call(.status, as: DaemonStatus.self)
        var failure: ClientError?
        while true {
            do throws(ClientError) {
                if failure == nil {
                    do throws(ClientError) {
                        try sendRows()
                    } catch {
                        // What stands before a wrong row was sent, and must arrive.
                        guard error.status == .data, delivery.timesteps > 0 else { throw error }
                        failure = error
                    }
                }
                meter.finish()
                try delivery.waitUntilConsumed(control: control, since: status) { () throws(ClientError) in
                    try isLost()
                }
                break
            } catch {
                guard error == TimestepSender.lost || error.status == .unavailable else { throw error }
                meter.finish()
                try recover()
                // A file is read again up to the row that is wrong.
                if held == nil { failure = nil }
            }
        }
        let sent = Quantity.count(delivery.timesteps, of: "timestep")
        if let failure { throw ClientError(failure.status, "\(failure.message); the \(sent) before it were consumed") }
        let streams = Quantity.count(delivery.accounts.count, of: "stream")
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        return "\(sent) of \(streams) in \(Quantity.duration(seconds)), all consumed\(notes)"
    }

    /// Further facts about the timesteps that were consumed.
    private var notes: String {
        var notes = ""
        let skipped = delivery.skipped + delivery.duplicates
        if skipped > 0 { notes += "; \(Quantity.count(skipped)) skipped as duplicates" }
        if delivery.skipped > 0 {
            notes += " (\(Quantity.count(delivery.skipped)) had been consumed before and were left out)"
        }
        if hasLostDaemon { notes += "; the daemon was lost meanwhile, \(Quantity.count(delivery.repeated)) sent again" }
        return notes
    }

    private func isLost() throws(ClientError) -> Bool { try connection?.isLost() ?? true }

    private func sendRows() throws(ClientError) {
        do throws(ClientError) {
            while true {
                if waiting != nil, queue.wouldWait { try flush() }
                while queue.wouldWait {
                    if try isLost() { throw TimestepSender.lost }
                    file.waitUntilReadable(milliseconds: 500)
                }
                guard let row = try queue.peek() else { break }
                if delivery.accounts[StreamKey(row.stream)] == nil {
                    let new = queue.streams.filter { delivery.accounts[$0] == nil }
                    try delivery.open(new, control: control)
                }
                queue.advance()
                try take(row)
            }
        } catch {
            if error.status == .data { try flush() }
            throw error
        }
        try flush()
    }

    private func take(_ row: Reading) throws(ClientError) {
        var reading = row
        delivery.number(&reading)
        rowsTaken += 1
        let isAgain = rowsTaken <= rowsBefore
        if !isAgain, delivery.leavesOut(reading) {
            try flush()
            held?.append(reading)
            rowsDone = rowsTaken
            return
        }
        if var current = waiting, current.isAgain == isAgain, current.message.join(reading, limit: options.batch) {
            current.rows += 1
            waiting = current
        } else {
            try flush()
            waiting = (reading, 1, isAgain)
        }
        if reading.timesteps >= options.batch || waiting?.message.timesteps ?? 0 >= options.batch { try flush() }
    }

    private func flush() throws(ClientError) {
        guard let (message, rows, isAgain) = waiting else { return }
        // A message that was not sent when the connection broke still waits.
        if isAgain {
            try sendAgain(message)
        } else {
            pacer?.wait(for: message.timesteps)
            try makeRoom()
            try look()
            try connection?.send(message)
            held?.append(message)
            delivery.add(message)
        }
        waiting = nil
        rowsDone += rows
        meter.update(done: queue.byteCount, timesteps: delivery.timesteps)
    }

    private func sendAgain(_ message: Reading) throws(ClientError) {
        var rest = message
        guard delivery.addAgain(&rest) else { return }
        try look()
        try connection?.send(rest)
    }

    /// Sees now and then whether the connection is still there.
    private func look() throws(ClientError) {
        messages += 1
        guard messages % Self.messagesBetweenLooks == 0 || pacer != nil else { return }
        if try isLost() { throw TimestepSender.lost }
    }

    /// Lets go of messages that are consumed, where too many are held; waits where they are not.
    private func makeRoom() throws(ClientError) {
        guard held?.isFull == true else { return }
        var lastProgress = ContinuousClock.now
        while held?.hasRoom == false {
            var hasReleased = false
            while held?.hasRoom == false, let message = held?.releaseFirst(if: { delivery.isConsumed($0) }) {
                delivery.release(message)
                hasReleased = true
            }
            if held?.hasRoom != false { return }
            if hasReleased { lastProgress = ContinuousClock.now }
            if try isLost() { throw TimestepSender.lost }
            guard ContinuousClock.now - lastProgress < .seconds(options.timeoutSeconds) else {
                throw ClientError(.temporary, delivery.explanationOfLoss)
            }
            try delivery.refresh(control: control)
            Pacer.sleep(.milliseconds(20))
        }
    }

    /// Waits for the daemon that was lost, or its successor, and brings it to where the input was.
    private func recover() throws(ClientError) {
        hasLostDaemon = true
        // Closed before the next is made: where it is bound, the address must be free.
        try connection?.abandon()
        connection = nil
        let reached = delivery.accounts.values.reduce(0) { $0 &+ $1.reached }
        recoveries = reached > reachedBefore ? 0 : recoveries + 1
        reachedBefore = reached
        let deadline = ContinuousClock.now + .seconds(min(Self.returnSeconds, options.timeoutSeconds))
        var output = StandardStream.error
        try output.writeLine("lost the daemon at \(control.endpoint.address); waiting for it")
        while true {
            do throws(ClientError) {
                control = try control.again()
                let now = try control.call(.status, as: DaemonStatus.self)
                connection = try Self.sender(options, control: control, status: now, in: context)
                let isOther = now.instance != status.instance
                status = try control.call(.status, as: DaemonStatus.self)
                if status.instance == now.instance {
                    try delivery.rebase(control: control, isOther: isOther, readsAgain: held == nil)
                    break
                }
            } catch {
                guard error.status == .unavailable else { throw error }
                guard ContinuousClock.now < deadline else { throw gone }
            }
            Pacer.sleep(.milliseconds(200))
        }
        guard recoveries < Self.maximumRecoveries else { throw gone }
        if let held {
            for message in held.all { try sendHeld(message) }
        } else {
            try queue.rewind()
            rowsBefore = max(rowsBefore, rowsDone)
            rowsTaken = 0
            rowsDone = 0
            waiting = nil
        }
    }

    /// A connection that breaks again is met by whoever sends next.
    private func sendHeld(_ message: Reading) throws(ClientError) {
        do throws(ClientError) {
            try sendAgain(message)
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
