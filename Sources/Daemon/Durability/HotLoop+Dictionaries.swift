import Store

/// Stores the dictionaries of the codec `batch`.
extension HotLoop {
    /// Stores the dictionaries if they have changed and no earlier ones are being stored. Dictionaries that come in the
    /// meantime are stored next. If storing fails, it is tried again with the next checkpoint.
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
