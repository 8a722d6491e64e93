/// Merges reloads. Each model has at most one current and one queued reload. The queued reload serves all requests that
/// arrive in the meantime.
struct ReloadQueue {
    /// One reload and the requests that wait for its outcome.
    struct Reload {
        /// Whether the model's streams start from zero state.
        var isResetting = false
        /// Whether to log a failure. True if a signal requested the reload, because no request then receives the
        /// failure.
        var isLogged = false
        var addresses: [ControlServer.ReturnAddress] = []

        /// A reload that was requested by a signal.
        static let bySignal = Reload(isLogged: true)

        /// A reload that was requested by a control request.
        static func request(from address: ControlServer.ReturnAddress, resetting: Bool) -> Reload {
            Reload(isResetting: resetting, addresses: [address])
        }

        /// Merges another reload into this one. Streams are reset if either reload asks for it, as if the two ran in
        /// succession.
        fileprivate mutating func join(_ other: Reload) {
            isResetting = isResetting || other.isResetting
            isLogged = isLogged || other.isLogged
            addresses += other.addresses
        }
    }

    private struct Entry {
        /// The reload that is reading the model's file or exchanging its weights.
        var running: Reload?
        var isReading = false
        /// The reload that starts once ``running`` has ended.
        var next: Reload?
    }

    private var entries: [Entry]
    private var isStopped = false

    /// Creates a queue for the given number of models, indexed from 0.
    init(models: Int) {
        entries = Array(repeating: Entry(), count: models)
    }

    /// Requests a reload.
    ///
    /// - Returns: Whether to read the model's file now. If not, another reload follows the current one and serves this
    ///   request.
    mutating func ask(_ reload: Reload, ofModel model: Int) -> Bool {
        guard entries[model].running != nil else {
            entries[model].running = reload
            entries[model].isReading = true
            return true
        }
        if entries[model].next == nil { entries[model].next = reload } else { entries[model].next?.join(reload) }
        return false
    }

    /// Records that a model's file has been read.
    ///
    /// - Returns: Whether the model's streams start from zero state; nil if the reload was dropped in the meantime.
    mutating func didRead(_ model: Int) -> Bool? {
        guard !isStopped, let running = entries[model].running else { return nil }
        entries[model].isReading = false
        return running.isResetting
    }

    /// Records that a reload has ended.
    ///
    /// - Returns: The reload, with the requests to answer, and whether to read the model's file again at once.
    mutating func end(_ model: Int) -> (ended: Reload, readsAgain: Bool) {
        let ended = entries[model].running ?? Reload()
        entries[model].running = entries[model].next
        entries[model].next = nil
        let readsAgain = entries[model].running != nil
        entries[model].isReading = readsAgain
        return (ended, readsAgain)
    }

    /// Drops the queued reloads and those whose file is being read. A reload that is already exchanging weights
    /// continues until it ends.
    ///
    /// - Returns: The dropped reloads, with the requests to answer.
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
