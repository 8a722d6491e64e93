import Store
import Streams
import Wire

/// Removes streams. The answer reports success only once no crash can bring the streams back, and failure only if the
/// streams still exist.
extension HotLoop {
    mutating func remove(
        _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        if group.keepsJournal || !isDurable { return try removeAtOnce(selection, for: address) }
        try begin(.doom, on: selection) { loop, count in
            let keys = loop.table.takeRemovedKeys()
            guard count > 0 else { return loop.reply(.success(RemoveResult(removed: 0)), to: address) }
            // Make other requests about streams wait until it is clear whether these streams are removed.
            loop.operation.end = { _, _ in }
            loop.startWriteJob { store throws(StoreError) in
                try store.remove(keys)
            } then: { loop, result in
                loop.endRemoval(of: count, selection, result, for: address)
            }
        }
    }

    /// Removes streams from memory, and records the removal in the journal. Removing the streams only from the store is
    /// not enough, because earlier records would bring them back when the journal is replayed.
    ///
    /// The answer waits for the journal, or for a checkpoint if the journal cannot be written. On a full disk, the
    /// answer would wait until there is room again. Therefore, the daemon first checks that the journal or a checkpoint
    /// can be written.
    private mutating func removeAtOnce(
        _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        try requireDurability()
        guard group.isWhole else { return try removeRecorded(selection, for: address) }
        // Make other requests about streams wait.
        operation.end = { _, _ in }
        startJournalJob { journal throws(StoreError) in
            try journal.probe()
        } then: { loop, result in
            loop.endOperation()
            guard case .failure(let error) = result else {
                return loop.answerRemoval(of: selection, .success(()), for: address)
            }
            loop.loseJournal(error)
            loop.checkpointWaiters.requests.append { loop, outcome in
                loop.answerRemoval(of: selection, outcome.map { _ in }, for: address)
            }
            loop.startCheckpoint()
        }
    }

    /// Removes streams. If that is not possible, answers with the reason.
    private mutating func answerRemoval(
        of selection: ControlCommand.Selection, _ isPossible: Result<Void, ControlError>,
        for address: ControlServer.ReturnAddress
    ) {
        whenTableIsFree { loop in
            do throws(ControlError) {
                if case .failure(let error) = isPossible {
                    throw ControlError(
                        error.code, "nothing was done, as the removal could not be made durable: \(error.message)")
                }
                try loop.removeRecorded(selection, for: address)
            } catch {
                loop.reply(Result<JSONValue, ControlError>.failure(error), to: address)
            }
        }
    }

    private mutating func removeRecorded(
        _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        try begin(.remove, on: selection, event: .removed) { loop, count in
            _ = loop.table.takeRemovedKeys()
            loop.replyWhenDurable(RemoveResult(removed: count), to: address)
        }
    }

    /// Ends a removal that does not use the journal. If the store has removed the streams, they are removed from memory
    /// too. Otherwise, they remain as they were.
    private mutating func endRemoval(
        of count: Int, _ selection: ControlCommand.Selection, _ result: Result<Void, StoreError>,
        for address: ControlServer.ReturnAddress
    ) {
        if case .failure(let error) = result {
            table.spare()
            // A running checkpoint has left these streams out, so it must not count as a complete checkpoint.
            checkpoints.fail(error)
            reply(Result<JSONValue, ControlError>.failure(ControlError(error)), to: address)
            return endOperation()
        }
        // The removal below follows at once, so no checkpoint can run first and bring the streams back.
        operation.end = nil
        do throws(ControlError) {
            try begin(.remove, on: selection, event: .removed) { loop, removed in
                _ = loop.table.takeRemovedKeys()
                // More streams may have been created since the store was asked, and a checkpoint may contain them.
                if removed == count { return loop.reply(.success(RemoveResult(removed: removed)), to: address) }
                loop.whenCheckpointed { loop, outcome in
                    loop.reply(outcome.map { RemoveResult(removed: removed) }, to: address)
                }
            }
        } catch {
            reply(Result<JSONValue, ControlError>.failure(error), to: address)
        }
        if operation.end == nil { endOperation() }
    }
}
