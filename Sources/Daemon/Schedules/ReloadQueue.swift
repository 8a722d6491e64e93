/// Reloads of models: of each model one at a time, and one more for all that are asked for meanwhile.
struct ReloadQueue {
    /// One reload, and those who want to know what came of it.
    struct Reload {
        /// Streams begin at zero.
        var isResetting = false
        /// The log is told of a failure, and the addresses of the outcome.
        var isLogged = false
        var addresses: [ControlServer.ReturnAddress] = []

        /// Asked for by a signal.
        static let bySignal = Reload(isLogged: true)

        /// Asked for by a request.
        static func request(from address: ControlServer.ReturnAddress, resetting: Bool) -> Reload {
            Reload(isResetting: resetting, addresses: [address])
        }

        /// Does for another one too. Streams begin at zero where either wants it: one after the other would have the same end.
        fileprivate mutating func join(_ other: Reload) {
            isResetting = isResetting || other.isResetting
            isLogged = isLogged || other.isLogged
            addresses += other.addresses
        }
    }

    private struct Entry {
        /// Under way: its file is being read, or its weights are being put in place.
        var running: Reload?
        var isReading = false
        /// To be started when that has ended.
        var next: Reload?
    }

    private var entries: [Entry]
    private var isStopped = false

    /// A queue for so many models, by their numbers.
    init(models: Int) {
        entries = Array(repeating: Entry(), count: models)
    }

    /// Asks for a reload.
    ///
    /// - Returns: Whether the model's file is to be read now; else it is later, once for all who ask until then.
    mutating func ask(_ reload: Reload, ofModel model: Int) -> Bool {
        guard entries[model].running != nil else {
            entries[model].running = reload
            entries[model].isReading = true
            return true
        }
        if entries[model].next == nil { entries[model].next = reload } else { entries[model].next?.join(reload) }
        return false
    }

    /// A model's file has been read.
    ///
    /// - Returns: Whether its streams begin at zero; nil if the reload was dropped meanwhile.
    mutating func didRead(_ model: Int) -> Bool? {
        guard !isStopped, let running = entries[model].running else { return nil }
        entries[model].isReading = false
        return running.isResetting
    }

    /// A reload has ended.
    ///
    /// - Returns: The reload, with those who are told of it, and whether the model's file is to be read again now.
    mutating func end(_ model: Int) -> (ended: Reload, readsAgain: Bool) {
        let ended = entries[model].running ?? Reload()
        entries[model].running = entries[model].next
        entries[model].next = nil
        let readsAgain = entries[model].running != nil
        entries[model].isReading = readsAgain
        return (ended, readsAgain)
    }

    /// Drops what is queued and what is being read. A reload whose weights are being put in place goes on to its end.
    ///
    /// - Returns: The models whose reloads were dropped, and who asked for them.
    mutating func stop() -> [(model: Int, dropped: Reload)] {
        isStopped = true
        var all: [(model: Int, dropped: Reload)] = []
        for model in entries.indices {
            if entries[model].isReading, let running = entries[model].running {
                all.append((model, running))
                entries[model].running = nil
            }
            if let next = entries[model].next {
                all.append((model, next))
                entries[model].next = nil
            }
        }
        return all
    }
}
