import Dispatch
import ModelFiles
import Store
import Streams
import Wire

/// Reloads models while their streams continue. ``ReloadQueue`` decides when each model's file is read.
extension HotLoop {
    /// A closure that receives the outcome of a reload.
    typealias ReloadAnswer = @Sendable (inout HotLoop, Result<ReloadResult, ControlError>) -> Void

    /// Reloads all models and the authorized keys. The outcome is logged.
    mutating func reloadAll() {
        guard !isStopping else { return }
        reloadKeys()
        var begins = false
        for model in table.models.indices where ask(.bySignal, ofModel: model) { begins = true }
        if begins { logger.info("reloading all models") }
    }

    /// Reloads a model. The request is answered once the model's streams are durable under the new weights.
    mutating func reload(
        _ name: String, resetting: Bool, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        let model = try index(ofModel: name)
        guard !isStopping else { throw stopped(model) }
        _ = ask(.request(from: address, resetting: resetting), ofModel: model)
    }

    /// Returns the index of a model.
    ///
    /// - Throws: ``ControlError`` if there is no such model.
    func index(ofModel name: String) throws(ControlError) -> Int {
        guard let model = table.models.firstIndex(where: { $0.name == name }) else {
            let known = table.models.map(\.name)
            throw ControlError(
                .invalidParams,
                "no model '\(name.shortened)'"
                    + Suggestion.words(
                        for: name.shortened, among: known,
                        else: "the models are \(known.map { "'\($0)'" }.joined(separator: ", "))"))
        }
        return model
    }

    /// Drops the waiting reloads and those whose file is still being read, so that the daemon can stop without waiting
    /// for them.
    mutating func dropReloads() {
        for (model, dropped) in reloads.stop() {
            tell(dropped, .failure(stopped(model)), ofModel: model)
        }
        KerasProcess.endAll()
    }

    private func stopped(_ model: Int) -> ControlError {
        ControlError(.internal, "model '\(table.models[model].name)' is not reloaded, as the daemon is stopping")
    }

    private mutating func reloadKeys() {
        guard access.hasKeys else { return }
        guard !keyReload.isRunning else { return keyReload.isAsked = true }
        keyReload = (true, false)
        keyReader.async { [access, mailbox] in
            access.reload()
            mailbox.post { loop in
                loop.keyReload.isRunning = false
                if loop.keyReload.isAsked, !loop.isStopping { loop.reloadKeys() }
            }
        }
    }

    /// - Returns: Whether the model's file is read at once. If not, the file is read after the current reload.
    private mutating func ask(_ reload: ReloadQueue.Reload, ofModel model: Int) -> Bool {
        guard reloads.ask(reload, ofModel: model) else { return false }
        read(model)
        return true
    }

    /// Reads the model's file on another thread. Afterwards, the loop exchanges the weights between two timesteps.
    private mutating func read(_ model: Int) {
        let served = table.models[model]
        logger.info("reading model '\(served.name)' again: \(served.file)")
        let configuration = DaemonConfiguration.Model(
            name: served.name, file: served.file, policy: served.policy, mode: served.policy.mode,
            emit: served.policy.emit, threshold: served.policy.threshold)
        modelReader.async { [mailbox] in
            let result: Result<ServedModel, DaemonError>
            do throws(DaemonError) {
                result = .success(try ServedModel(configuration))
            } catch {
                result = .failure(error)
            }
            mailbox.post { loop in loop.take(result, ofModel: model) }
        }
    }

    private mutating func take(_ result: Result<ServedModel, DaemonError>, ofModel model: Int) {
        guard let isResetting = reloads.didRead(model) else { return }
        switch result {
        case .success(let served):
            number(model, as: served) { loop, number in
                loop.whenAwake(.model(model)) { loop, result in
                    loop.whenTableIsFree { loop in
                        loop.exchange(model, for: served, resetting: isResetting, number, awake: result) {
                            $0.end($1, ofModel: model)
                        }
                    }
                }
            }
        case .failure(let error):
            end(.failure(ControlError(.modelFailed, error.description)), ofModel: model)
        }
    }

    /// Ends a reload. Answers its requests, and starts another reload if one was requested in the meantime.
    private mutating func end(_ outcome: Result<ReloadResult, ControlError>, ofModel model: Int) {
        let (ended, readsAgain) = reloads.end(model)
        tell(ended, outcome, ofModel: model)
        if readsAgain { read(model) }
    }

    private mutating func tell(
        _ reload: ReloadQueue.Reload, _ outcome: Result<ReloadResult, ControlError>, ofModel model: Int
    ) {
        if reload.isLogged, case .failure(let error) = outcome {
            logger.error("model '\(table.models[model].name)' stays as it is: \(error.message)")
        }
        for address in reload.addresses { reply(outcome, to: address) }
    }

    /// Gives the new weights a number in the journal, if the daemon keeps one. Each record uses that number to refer to
    /// the weights that stepped its timesteps.
    private mutating func number(
        _ model: Int, as served: ServedModel,
        then: @escaping @Sendable (inout HotLoop, Result<UInt16?, ControlError>) -> Void
    ) {
        guard group.worker != nil, !group.weights.isEmpty else { return then(&self, .success(nil)) }
        startJournalJob { journal throws(StoreError) in
            try journal.numbers(of: [served]).first
        } then: { loop, result in
            then(&loop, result.mapError { ControlError($0) })
        }
    }

    private mutating func exchange(
        _ model: Int, for served: ServedModel, resetting: Bool, _ number: Result<UInt16?, ControlError>,
        awake: Result<Void, ControlError>, answer: @escaping ReloadAnswer
    ) {
        let carried: Int
        do throws(ControlError) {
            try awake.get()
            if isDurable, let failure = checkpoints.failure {
                throw ControlError(
                    .storeFailed,
                    "nothing was done, as only a checkpoint makes other weights durable, and the last one failed: \(failure)"
                )
            }
            let number = try number.get()
            carried = try answering { () throws(StreamsError) in
                try table.beginReload(model, with: served, resetting: resetting, number: number)
            }
            if let number { group.weights[model] = number }
        } catch {
            return answer(&self, .failure(error))
        }
        let result = ReloadResult(fingerprint: served.fingerprint, carried: carried)
        logger.info(
            "model '\(served.name)' has the weights \(served.fingerprint.prefix(12))…; \(carried) states continue")
        var event = StreamEvent(.reloaded, nil, count: table.count(ofModel: model), time: WallClock.now())
        event.model = served.name
        event.fingerprint = served.fingerprint
        event.carried = carried
        announce(event)
        guard table.isSweeping else { return finishExchange(served, result, answer) }
        operation.end = { loop, _ in loop.finishExchange(served, result, answer) }
    }

    /// Answers a reload once all streams have moved to the new weights.
    private mutating func finishExchange(
        _ served: ServedModel, _ result: ReloadResult, _ answer: @escaping ReloadAnswer
    ) {
        guard isDurable else { return answer(&self, .success(result)) }
        // A checkpoint must store all streams under the new weights before the reload is answered. After a crash before
        // that checkpoint, the stored streams still belong to the old weights. The next start treats such streams as
        // `on_other_weights` says, which refuses them by default.
        startStoreJob { store throws(StoreError) in
            try store.keepLayouts(of: [served])
        } then: { loop, written in
            if case .failure(let error) = written { loop.logger.error("\(error)") }
            loop.whenCheckpointed { loop, outcome in answer(&loop, outcome.map { result }) }
        }
    }
}
