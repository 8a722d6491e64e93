import Store
import Streams
import Wire

/// Removes streams. The answer reports a success once no crash can bring the streams back, and a failure only if the
/// streams still exist.
extension HotLoop {
    mutating func remove(
        _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        if group.keepsJournal || !isDurable { return try removeAtOnce(selection, for: address) }
        try begin(.doom, on: selection) { loop, count in
            let keys = loop.table.takeRemovedKeys()
            guard count > 0 else { return loop.reply(.success(RemoveResult(removed: 0)), to: address) }
            // Other requests about streams wait until it is known whether these streams are removed.
            loop.operation.end = { _, _ in }
            loop.startWriteJob { store throws(StoreError) in
                try store.remove(keys)
            } then: { loop, result in
                loop.endRemoval(of: count, selection, result, for: address)
            }
        }
    }

    /// Removes streams from memory, and records the removal in the journal. The store alone cannot remove them, because
    /// earlier records would bring them back.
    ///
    /// The answer waits for the journal, or for a checkpoint if the journal cannot be written. On a full disk, the
    /// answer would wait until there is room. Therefore, the daemon first checks that the journal or a checkpoint can
    /// be written.
    private mutating func removeAtOnce(
        _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        try requireDurability()
        guard group.isWhole else { return try removeRecorded(selection, for: address) }
        // Other requests about streams wait.
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

    /// Removes streams, or answers with the reason why nothing was done.
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

    /// Ends a removal without a journal. If the store has removed the streams, the daemon removes them from memory.
    /// Otherwise, they stay unchanged.
    private mutating func endRemoval(
        of count: Int, _ selection: ControlCommand.Selection, _ result: Result<Void, StoreError>,
        for address: ControlServer.ReturnAddress
    ) {
        if case .failure(let error) = result {
            table.spare()
            // A running checkpoint has skipped these streams and must not count as a checkpoint of all streams.
            checkpoints.fail(error)
            reply(Result<JSONValue, ControlError>.failure(ControlError(error)), to: address)
            return endOperation()
        }
        // No checkpoint can run in between and bring the streams back.
        operation.end = nil
        do throws(ControlError) {
            try begin(.remove, on: selection, event: .removed) { loop, removed in
                _ = loop.table.takeRemovedKeys()
                // New streams may have arrived since the request to the store, and a checkpoint may contain them.
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
