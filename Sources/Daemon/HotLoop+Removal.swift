import Store
import Streams
import Wire

/// How streams are removed: the answer waits until a crash does not bring them back, and one that says that it failed is true.
extension HotLoop {
    mutating func remove(
        _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        if group.keepsJournal || !isDurable { return try removeAtOnce(selection, for: address) }
        let keys = try table.doom(selection)
        guard !keys.isEmpty else { return reply(.success(["removed": 0]), to: address) }
        // Others on streams wait until it is known whether these are removed.
        operation.end = { _, _ in }
        startWriteJob { store throws(StoreError) in
            try store.remove(keys)
        } then: { loop, result in
            loop.table.spare(keys)
            loop.endOperation()
            loop.endRemoval(of: keys.count, selection, result, for: address)
        }
    }

    /// With a journal: records before this one would bring the streams back, so that the store alone cannot remove them. They
    /// leave memory, and the answer waits for the journal, or for a whole checkpoint where the journal cannot be written.
    private mutating func removeAtOnce(
        _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        try requireDurability()
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
            // A running checkpoint has passed over them, and must not count as one of all streams.
            checkpoints.run?.failure = error
            return reply(Result<JSONValue, ControlError>.failure(ControlError(error)), to: address)
        }
        do throws(ControlError) {
            try begin(.remove, on: selection, event: .removed) { loop, removed in
                _ = loop.table.takeRemovedKeys()
                // Some may have come since the store was asked; a checkpoint may have them.
                if removed == count { return loop.reply(.success(["removed": removed]), to: address) }
                loop.whenCheckpointed { $0.reply(.success(["removed": removed]), to: address) }
            }
        } catch {
            // The one that is named was forgotten meanwhile, as it was idle.
            reply(.success(["removed": count]), to: address)
        }
    }
}
