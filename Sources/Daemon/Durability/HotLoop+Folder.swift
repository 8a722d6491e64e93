import Store
import Streams

/// A state folder that was deleted, replaced or unmounted while the daemon runs.
extension HotLoop {
    /// Has the store look at what is in the place of the folder that was lost, and write everything anew where it may. The
    /// running checkpoint goes on after it.
    mutating func renewFolder() {
        guard let folderWatch, let loss = checkpoints.failure else { return }
        // What is being committed may be in the old journal, and must not be answered as if it were in the new one.
        guard !group.isCommitting else { return endCheckpoint(.failure(loss)) }
        if group.isOn { loseJournal(loss) }
        let known = zip(group.weights, table.models).map {
            Journal.Weights(number: Int($0), fingerprint: $1.fingerprint, rules: $1.rules)
        }
        startStoreJob { [worker, journalWorker = group.worker, journalSync] old throws(StoreError) -> StateRenewal? in
            // The same folder is back.
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

    /// Has the journal's worker use the new journal. No record goes to the old one once the new folder counts as the right one.
    private static func use(
        _ renewal: StateRenewal, _ worker: StoreWorker<Journal>?, _ known: [Journal.Weights]
    ) throws(StoreError) {
        guard let worker, let journal = renewal.journal else { return renewal.accept() }
        try worker.betweenJobs { () throws(StoreError) in
            // With those of a reload that is under way, if they can be read.
            try journal.adopt((try? worker.current.weights()) ?? known)
            worker.use(journal)
            renewal.accept()
        }
    }

    private mutating func take(_ renewal: StateRenewal) {
        if let place = renewal.replaced {
            logger.warning("files of the same state were in the state folder's place; they are in \(place) now")
        }
        guard let loss = renewal.loss else {
            return logger.notice("the state folder was lost; everything is written anew")
        }
        logger.error(
            """
            the state folder was lost, and its database cannot be read any more: what is in memory is written anew, and \
            snapshots and \(table.asleepCount) idle streams are lost: \(loss)
            """)
        table.markAllChanged()
    }
}
