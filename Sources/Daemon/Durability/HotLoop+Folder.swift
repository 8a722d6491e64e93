import Store
import Streams

/// Handles the loss of the state folder: it was deleted, replaced or unmounted while the daemon was running.
extension HotLoop {
    /// Makes the store examine the path of the lost folder and, if the path is usable, write everything again. The
    /// running checkpoint continues afterwards.
    mutating func renewFolder() {
        guard let folderWatch, let loss = checkpoints.failure else { return }
        // The running commit may reach only the old journal. The answers that wait for that commit must not say that
        // their changes are durable, so end the checkpoint instead of writing everything again.
        guard !group.isCommitting else { return endCheckpoint(.failure(loss)) }
        if group.isOn { loseJournal(loss) }
        let known = zip(group.weights, table.models).map {
            Journal.Weights(number: Int($0), fingerprint: $1.fingerprint, rules: $1.rules)
        }
        startStoreJob { [worker, journalWorker = group.worker, journalSync] old throws(StoreError) -> StateRenewal? in
            // If this check succeeds, the same folder is back.
            if (try? folderWatch.check()) != nil { return nil }
            let renewal = try StateRenewal(
                of: old, journal: journalWorker?.current, sync: journalSync, in: folderWatch,
                time: WallClock.now() / 1_000_000_000)
            try Self.use(renewal, journalWorker, known)
            worker.use(renewal.store)
            return renewal
        } then: { loop, result in
            switch result {
            case .success(let renewal):
                if let renewal { loop.take(renewal) }
                loop.checkpoints.didRenewFolder(nil)
            case .failure(let error): loop.checkpoints.didRenewFolder(error)
            }
            loop.continueCheckpoint()
        }
    }

    /// Makes the journal's worker use the new journal. Once the watch accepts the new folder, no record goes to the old
    /// journal.
    private static func use(
        _ renewal: StateRenewal, _ worker: StoreWorker<Journal>?, _ known: [Journal.Weights]
    ) throws(StoreError) {
        guard let worker, let journal = renewal.journal else { return renewal.accept() }
        try worker.betweenJobs { () throws(StoreError) in
            // If the old journal can be read, its weights include those of an unfinished reload.
            try journal.adopt((try? worker.current.weights()) ?? known)
            worker.use(journal)
            renewal.accept()
        }
    }

    private mutating func take(_ renewal: StateRenewal) {
        if let place = renewal.replaced {
            logger.warning("the place of the state folder held files of the same state; they were moved to \(place)")
        }
        guard let loss = renewal.loss else {
            return logger.notice("the state folder was lost; everything is written anew")
        }
        logger.error(
            """
            the state folder was lost, and its database cannot be read: the state in memory is written anew, but \
            snapshots and \(table.asleepCount) hibernating streams are lost: \(loss)
            """)
        table.markAllChanged()
        dictionaries.mustBeStored()
    }
}
