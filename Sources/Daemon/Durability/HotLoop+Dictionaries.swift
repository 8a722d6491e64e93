import Store

/// Stores the dictionaries of the codec `batch`.
extension HotLoop {
    /// Stores the dictionaries if they have changed, unless the store is already writing dictionaries. Dictionaries
    /// that arrive in the meantime are stored afterwards. If storing fails, the next checkpoint tries again.
    mutating func storeDictionaries() {
        guard isDurable, !dictionaries.areStored, !isStoringDictionaries else { return }
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
