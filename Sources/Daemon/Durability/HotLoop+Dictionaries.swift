import Store

/// Stores the dictionaries of the codec `batch`.
extension HotLoop {
    /// Stores the dictionaries if they have changed. If the store is already writing dictionaries, the change is stored
    /// afterwards. If storing fails, the next checkpoint tries again.
    ///
    /// - Parameter beforeCheckpoint: Whether to hand the change to the store at once, so that the next checkpoint
    ///   contains it.
    mutating func storeDictionaries(beforeCheckpoint: Bool = false) {
        guard isDurable, !dictionaries.areStored, beforeCheckpoint || !isStoringDictionaries else { return }
        isStoringDictionaries = true
        dictionaries.beginStoring()
        startWriteJob { [all = dictionaries.all] store throws(StoreError) in
            try store.keep(all)
        } then: { loop, result in
            loop.isStoringDictionaries = false
            switch result {
            case .success: loop.storeDictionaries()
            case .failure(let error):
                loop.dictionaries.mustBeStored()
                loop.logger.error("the dictionaries could not be stored; a restart may forget them: \(error)")
            }
        }
    }
}
