import Store
import Streams
import Wire

/// How streams are removed: the answer waits until a crash does not bring them back, and one that says that it failed is true.
extension HotLoop {
    mutating func remove(
        _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        if group.keepsJournal || !isDurable { return try removeAtOnce(selection, for: address) }
        try begin(.doom, on: selection) { loop, count in
            let keys = loop.table.takeRemovedKeys()
            guard count > 0 else { return loop.reply(.success(["removed": 0]), to: address) }
            // Others on streams wait until it is known whether these are removed.
            loop.operation.end = { _, _ in }
            loop.startWriteJob { store throws(StoreError) in
                try store.remove(keys)
            } then: { loop, result in
                loop.endRemoval(of: count, selection, result, for: address)
            }
        }
    }

    /// With a journal: records before this one would bring the streams back, so that the store alone cannot remove them. They
    /// leave memory, and the answer waits for the journal, or for a whole checkpoint where the journal cannot be written. So it is
    /// seen first whether the one or the other can be written: on a full disk the answer would wait until there is room.
    private mutating func removeAtOnce(
        _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        try requireDurability()
        guard group.isWhole else { return try removeRecorded(selection, for: address) }
        // Others on streams wait.
        operation.end = { _, _ in }
        startJournalJob { [folderWatch] journal throws(StoreError) in
            try folderWatch?.check()
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

    /// Removes streams, or says why nothing was done.
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
            loop.replyWhenDurable(["removed": count], to: address)
        }
    }

    /// Without one: the store has forgotten the streams, and they leave memory; or it has not, and they are there as before.
    private mutating func endRemoval(
        of count: Int, _ selection: ControlCommand.Selection, _ result: Result<Void, StoreError>,
        for address: ControlServer.ReturnAddress
    ) {
        if case .failure(let error) = result {
            table.spare()
            // A running checkpoint has passed over them, and must not count as one of all streams.
            checkpoints.fail(error)
            reply(Result<JSONValue, ControlError>.failure(ControlError(error)), to: address)
            return endOperation()
        }
        // No checkpoint comes between, which would bring them back.
        operation.end = nil
        do throws(ControlError) {
            try begin(.remove, on: selection, event: .removed) { loop, removed in
                _ = loop.table.takeRemovedKeys()
                // Some may have come since the store was asked; a checkpoint may have them.
                if removed == count { return loop.reply(.success(["removed": removed]), to: address) }
                loop.whenCheckpointed { loop, outcome in loop.reply(outcome.map { ["removed": removed] }, to: address) }
            }
        } catch {
            reply(Result<JSONValue, ControlError>.failure(error), to: address)
        }
        if operation.end == nil { endOperation() }
    }
}
