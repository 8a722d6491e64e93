import Wire

/// Follows the log as a warm standby.
extension PartitionOwner {
    /// The part of the log that a warm standby has received but must not step yet.
    struct Standby {
        /// The last sequence number of the log that the owner has decided on, as far as the standby knows.
        var limit: UInt64 = 0
        /// The messages behind ``limit``, without gaps.
        var held: [HeldMessage] = []
    }

    /// Restores the streams from the last checkpoint.
    mutating func restoreForStandby() {
        guard let chain else { return }
        standby?.limit = chain.through
        restore()
    }

    /// Begins anew, because the log no longer has the next message. A standby that has begun to claim need not: its
    /// restoration follows.
    mutating func restart() {
        guard phase == .standingBy else { return }
        table = nil
        chain = nil
        restoration = nil
        waitingManifest = nil
        standby?.held = []
        effects += [.stopFollowing, .readChainEnd]
    }

    /// Takes a message of the log.
    mutating func keep(_ sequence: UInt64, time: Int64, _ bytes: Span<UInt8>) {
        guard let position = table?.position else { return }
        let last = standby?.held.last?.sequence ?? position
        guard sequence > last else { return }
        guard sequence == last + 1 else { return restart() }
        heardAt = now
        logEnd = max(logEnd, sequence)
        standby?.held.append(HeldMessage(sequence: sequence, time: time, bytes: Array(copying: bytes)))
        stepHeld()
    }

    /// The owner has decided on the log up to a message. A standby that stepped further would lose the decisions between
    /// that message and its own position.
    ///
    /// - Parameter through: The message's sequence number in `IN_p`.
    package mutating func advance(through: UInt64) {
        guard phase == .standingBy, let limit = standby?.limit, through > limit else { return }
        standby?.limit = through
        stepHeld()
    }

    /// Steps the held messages up to the limit, or up to one that only an owner can apply. Once a checkpoint is behind
    /// that message, the log no longer has it, and the standby begins anew.
    private mutating func stepHeld() {
        guard phase == .standingBy, let standby, let table else { return }
        var known: [UInt8] = []
        var count = 0
        do throws(PartitionError) {
            for message in standby.held {
                guard message.sequence <= standby.limit, table.isPlain(message.bytes.span) else { break }
                // The chain has these decisions and answers already.
                _ = try table.apply(message.bytes.span, sequence: message.sequence, time: message.time, into: &known)
                known.removeAll(keepingCapacity: true)
                count += 1
            }
            self.standby?.held.removeFirst(count)
        } catch {
            end(.failed(error))
        }
    }

    /// Claims the partition that this standby follows.
    package mutating func claim() {
        guard phase == .standingBy else { return }
        claims = true
        phase = .claiming
        chain = nil
        restoration = nil
        waitingManifest = nil
        effects.append(.readChainEnd)
    }

    /// Ends a standby that has not claimed.
    package mutating func stopStandingBy() {
        if phase == .standingBy { end(.drained) }
    }
}
