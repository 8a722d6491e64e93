import Dispatch
import Store
import Streams
import Wire

/// Models whose files are read again while their streams go on.
extension HotLoop {
    /// Who wants to know what came of a reload.
    typealias ReloadAnswer = @Sendable (inout HotLoop, Result<ReloadResult, ControlError>) -> Void

    /// Reads the files of all models again; what comes of it is logged.
    mutating func reloadAll() {
        logger.info("reading all model files again")
        for model in table.models.indices {
            let name = table.models[model].name
            reload(model, resetting: false) { loop, result in
                if case .failure(let error) = result {
                    loop.logger.error("model '\(name)' stays as it is: \(error.message)")
                }
            }
        }
    }

    /// Reads a model's file again, and answers the request when its streams are durable under the new weights.
    mutating func reload(
        _ name: String, resetting: Bool, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        guard let model = table.models.firstIndex(where: { $0.name == name }) else {
            let known = table.models.map { "'\($0.name)'" }.joined(separator: ", ")
            throw ControlError(.invalidParams, "no model '\(name)'; there are \(known)")
        }
        reload(model, resetting: resetting) { loop, result in loop.reply(result, to: address) }
    }

    /// Reads the file beside the hot loop; the weights change between two timesteps.
    private mutating func reload(_ model: Int, resetting: Bool, answer: @escaping ReloadAnswer) {
        let served = table.models[model]
        let configuration = DaemonConfiguration.Model(
            name: served.name, file: served.file, policy: served.policy, mode: served.policy.mode,
            emit: served.policy.emit)
        outsideJobs += 1
        modelReader.async { [mailbox] in
            let result: Result<ServedModel, DaemonError>
            do throws(DaemonError) {
                result = .success(try ServedModel(configuration))
            } catch {
                result = .failure(error)
            }
            mailbox.post { loop in
                loop.outsideJobs -= 1
                switch result {
                case .success(let served):
                    loop.number(model, as: served) { loop, number in
                        loop.whenAwake(.model(model)) { loop, result in
                            loop.exchange(
                                model, for: served, resetting: resetting, number, awake: result, answer: answer)
                        }
                    }
                case .failure(let error):
                    answer(&loop, .failure(ControlError(.modelFailed, error.description)))
                }
            }
        }
    }

    /// Has the journal give the new weights a number, where one is kept: what is recorded says by which weights it was taken.
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
            let number = try number.get()
            carried = try table.reload(model, with: served, resetting: resetting, number: number)
            if let number { group.weights[model] = number }
        } catch {
            return answer(&self, .failure(error))
        }
        let result = ReloadResult(fingerprint: served.fingerprint, carried: carried)
        logger.info("model '\(served.name)' has the weights \(served.fingerprint.prefix(12))…; \(carried) states go on")
        var event = StreamEvent(.reloaded, nil, count: table.count(ofModel: model), time: WallClock.now())
        event.model = served.name
        event.fingerprint = served.fingerprint
        event.carried = carried
        announce(event)
        guard isDurable else { return answer(&self, .success(result)) }
        // Until a checkpoint has all streams under the new weights, a crash leaves some that belong to the old: a start
        // refuses them, or does what it is told. So the answer waits for it.
        startStoreJob { store throws(StoreError) in
            try store.keepLayouts(of: [served])
        } then: { loop, written in
            if case .failure(let error) = written { loop.logger.error("\(error)") }
            loop.checkpoints.requests.append { loop, outcome in
                answer(&loop, outcome.map { _ in result })
            }
            loop.startCheckpoint()
        }
    }
}
