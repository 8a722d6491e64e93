import Wire

/// Follows the log, and writes the decisions to the chain.
extension PartitionOwner {
    /// A message of the log arrived.
    ///
    /// - Parameters:
    ///   - sequence: The message's sequence number in `IN_p`.
    ///   - time: The log's time of the message, in nanoseconds since the Unix epoch.
    ///   - bytes: The message.
    package mutating func logMessage(_ sequence: UInt64, time: Int64, _ bytes: Span<UInt8>) {
        guard standby == nil else { return keep(sequence, time: time, bytes) }
        guard let position = table?.position, sequence > position, drainState != .settling else { return }
        logEnd = max(logEnd, sequence)
        guard stall == nil else { return hold(sequence, time: time, bytes) }
        guard sequence == position + 1 else {
            // Messages that were on their way to a connection that broke are lost.
            effects.append(.follow(from: position + 1))
            return
        }
        heardAt = now
        do throws(PartitionError) {
            if !stalls(sequence, time: time, bytes) { try apply(sequence, time: time, bytes) }
        } catch {
            end(.failed(error))
        }
    }

    mutating func apply(_ sequence: UInt64, time: Int64, _ bytes: Span<UInt8>) throws(PartitionError) {
        guard let table, let through = chain?.through else { return }
        defer { beginUpload() }
        guard sequence > through else {
            // The chain has these decisions already. The owner that wrote them may have ended before it answered.
            var known: [UInt8] = []
            let answered = try table.apply(bytes, sequence: sequence, time: time, into: &known)
            if let answered { effects.append(.answer(answered)) }
            return
        }
        if !isCounting { beginCounting(table) }
        try outbox.add(sequence) { items throws(PartitionError) in
            try table.apply(bytes, sequence: sequence, time: time, into: &items)
        }
    }

    private mutating func beginCounting(_ table: PartitionTable) {
        isCounting = true
        table.resetCounts()
        timestepsAtCheckpoint = 0
    }

    /// No further message of the log is there at the moment.
    package mutating func pause() {
        write()
        serveIfCaughtUp()
    }

    private mutating func serveIfCaughtUp() {
        guard phase == .replaying, knowsLogEnd else { return }
        if position >= max(chain?.through ?? 0, logEnd) { phase = .serving }
    }

    /// The log's first and last sequence numbers are known.
    package mutating func logEnd(first: UInt64, last: UInt64) {
        guard let position = table?.position, !hasEnded else { return }
        logEnd = max(logEnd, last)
        knowsLogEnd = true
        guard last > position else { return pause() }
        guard first <= position + 1 else {
            guard standby == nil else { return restart() }
            return end(
                .failed(
                    PartitionError(
                        .damaged,
                        "the log of partition \(partition) begins at \(first), but the last checkpoint ends at \(position)"
                    )))
        }
        // A consumer can go silent without an error, for example after a server's crash.
        if now - heardAt >= Self.silence, wantsLog {
            heardAt = now
            effects.append(.follow(from: position + 1))
        }
    }

    /// Begins the next write, unless one is under way.
    mutating func write() {
        guard chain?.isBusy == false, table != nil, let message = outbox.next() else { return }
        begin(message)
    }

    /// Time has passed.
    ///
    /// - Parameter now: The monotonic clock in nanoseconds.
    package mutating func tick(_ now: Int64) {
        self.now = now
        guard table != nil else { return }
        // Under load, messages follow one another without a pause.
        serveIfCaughtUp()
        beginUpload()
        tickStall()
        forgetIdle()
        if now - (knowsLogEnd ? max(heardAt, lookedAt) : lookedAt) >= Self.silence {
            lookedAt = now
            effects.append(.readLogEnd)
        }
        let isFull = timesteps - timestepsAtCheckpoint >= Self.checkpointTimesteps
        if (now >= checkpointDue || isFull) && phase == .serving { beginCheckpoint() }
    }
}
