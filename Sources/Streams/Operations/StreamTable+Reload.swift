import Recurrent
import Wire

/// The exchange of a model's weights in a reload, during which the model's streams move to the new weights one by one.
struct ModelExchange {
    let model: Int
    /// The memory with the rows of streams that have not moved yet; nil if the new weights use the same rows.
    let old: StreamMemory?
    let resets: Bool
}

/// Exchanges the weights of a model that has streams.
extension StreamTable {
    /// The treatment of state that belongs to other weights.
    public enum OtherWeights: String, CaseIterable, Sendable {
        /// The state is refused and remains as it was.
        case refuse
        /// The state continues with the current weights if its shape still fits every layer. Otherwise, the state is
        /// refused.
        case carry
        /// The state becomes zero. The sequence numbers continue.
        case reset
    }

    /// Replaces the weights of a model for all of its streams, or throws and changes nothing. If each stream's own data
    /// must change too, later calls of ``sweep(limit:)`` change it.
    ///
    /// - Parameters:
    ///   - model: The index in ``models``. None of the model's streams may be hibernating.
    ///   - served: The new weights, with the model's policy.
    ///   - resetting: Whether to reset the state to zero. Otherwise, the state continues.
    ///   - number: The journal's number for the new weights; nil if there is no journal.
    /// - Returns: The number of streams that keep their state.
    /// - Throws: ``StreamsError`` with the cause `otherState` if the state cannot continue, `mode` if waiting timesteps
    ///   do not fit the new weights, or `notRead` if a stream of the model is hibernating.
    /// - Precondition: No operation is in progress.
    public mutating func beginReload(
        _ model: Int, with served: ServedModel, resetting: Bool, number: UInt16? = nil
    ) throws(StreamsError) -> Int {
        precondition(sweep == nil && !restoration.isBegun, "one operation after another")
        let before = models[model]
        let count = count(ofModel: model)
        try checkReload(model, with: served, isPossible: resetting || count == 0 || before.canCarry(to: served))
        if before.imageFingerprint == served.imageFingerprint && !resetting { return count }
        history.removeAll(ofModel: model)

        // If the rows can stay, reuse them instead of copying them, so that they are never in memory twice.
        let keepsRows = before.canCarry(to: served) && before.model.outputs == served.model.outputs
        exchange = ModelExchange(model: model, old: keepsRows ? nil : memories[model], resets: resetting)
        memories[model] =
            keepsRows
            ? memories[model].handOver(to: served, workers: workers) : StreamMemory(served, workers: workers)
        models[model] = served
        if let number { journal.setWeights(number, of: model) }
        if keepsRows, !resetting {
            // This is quick even if there are many streams: each stream is only marked for the next checkpoint.
            exchange = nil
            for slot in index.slots where has(slot, ofModel: model) { markChanged(slot) }
        } else if count > 0 {
            phase.flip()
            sweep = StreamSweep(.exchange, .all, end: index.slots.count)
        }
        return resetting ? 0 : count
    }

    private func checkReload(_ model: Int, with served: ServedModel, isPossible: Bool) throws(StreamsError) {
        let before = models[model]
        guard asleepCount == 0 || !index.slots.contains(where: { has($0, ofModel: model) && streams[$0].isAsleep })
        else {
            throw StreamsError(.notRead, "streams of '\(before.name)' could not be read from the store; try again")
        }
        guard isPossible else {
            throw StreamsError(
                .otherState,
                "the state of '\(before.name)' is \(before.stateDescription), but \(served.file) now has "
                    + "\(served.stateDescription), with which it cannot go on; ask for a reset, or put the file back")
        }
        guard
            before.model.input == served.model.input
                || !index.slots.contains(where: { has($0, ofModel: model) && streams[$0].waits })
        else {
            throw StreamsError(
                .mode,
                "streams of '\(before.name)' are paused, and \(served.file) takes other timesteps than those that "
                    + "wait; resume or remove them first")
        }
    }

    /// Moves a stream to the new weights when the current operation reaches it.
    mutating func goOver(_ slot: Int) {
        guard let exchange, streams[slot].model == exchange.model else { return }
        if exchange.resets {
            journal.recordReset(.stream(id(of: slot)))
            streams[slot].step = 0
        }
        if let old = exchange.old {
            move(slot, from: old, resetting: exchange.resets)
        } else {
            memories[exchange.model].reset(streams[slot].row)
        }
        markChanged(slot)
    }

    private mutating func move(_ slot: Int, from old: StreamMemory, resetting: Bool) {
        let new = memories[streams[slot].model]
        let outputCount = models[streams[slot].model].model.outputs
        let outputs = old.outputs(of: streams[slot].row)
        var values = old.values(of: streams[slot].row)
        values.removeLast(outputs.count)
        if resetting { values = [Float](repeating: 0, count: new.emptyCount - outputCount) }
        if outputs.count == outputCount {
            values += outputs
        } else {
            // The new model's outputs have a different meaning, so discard the last outputs and their label.
            values += [Float](repeating: 0, count: outputCount)
            streams[slot].label = nil
        }
        streams[slot].row = new.insert()
        new.replace(streams[slot].row, with: values.span)
    }

    /// Returns the number of streams that a model serves.
    public func count(ofModel model: Int) -> Int { index.slots.count { has($0, ofModel: model) } }

    private func has(_ slot: Int, ofModel model: Int) -> Bool { index.isTaken(slot) && streams[slot].model == model }

    /// The name of the model that serves a stream; nil if there is none.
    public func modelName(for id: String) -> String? {
        router.model(for: id.utf8.span).map { models[$0].name }
    }

    /// Adapts a stored stream to the current weights while the daemon starts.
    ///
    /// - Parameters:
    ///   - slice: A slice from the store.
    ///   - number: The index of the stream in the slice.
    ///   - model: The index in ``models`` of the stream's model.
    ///   - choice: The treatment of state that belongs to other weights.
    ///   - layout: The ``ServedModel/stateLayout`` of the stored weights; nil if the store does not know the layout.
    /// - Returns: The image for the current weights; nil if the state already belongs to these weights, or if `choice`
    ///   is `refuse`.
    /// - Throws: ``StreamsError`` with the cause `cannotContinue` if the state cannot continue with the current
    ///   weights.
    func adapted(
        _ slice: StreamSlice, _ number: Int, to model: Int, _ choice: OtherWeights, layout: String?
    ) throws(StreamsError) -> StreamImage? {
        let served = models[model]
        guard choice != .refuse, slice.fingerprints[slice.entries[number].weights] != served.imageFingerprint else {
            return nil
        }
        return try adapted(slice.image(number), to: model, choice, layout: layout)
    }

    /// Adapts an image to the current weights.
    func adapted(
        _ image: StreamImage, to model: Int, _ choice: OtherWeights, layout: String?
    ) throws(StreamsError) -> StreamImage {
        let served = models[model]
        var adapted = image
        adapted.fingerprint = served.imageFingerprint
        if choice == .reset {
            adapted.step = 0
            adapted.label = nil
            adapted.values = [Float](repeating: 0, count: memories[model].emptyCount)
            return adapted
        }
        guard layout == served.stateLayout,
            memories[model].fits(image.values.count, at: image.step, of: served),
            served.rule.lastStep.map({ image.step < $0 }) ?? true
        else {
            throw StreamsError(
                .cannotContinue,
                "the state of stream '\(image.id)' is \(layout.map { "[\($0)]" } ?? "of an unknown kind"), and "
                    + "'\(served.name)' has \(served.stateDescription), with which it cannot go on; serve the model "
                    + "file that it came from")
        }
        return adapted
    }
}

extension ServedModel {
    /// The reason why a cluster does not exchange this model's weights; nil if it does. The answer does not depend on
    /// the streams, so all partitions give the same one.
    ///
    /// - Parameters:
    ///   - served: The new weights.
    ///   - resetting: Whether the state becomes zero.
    /// - Returns: The reason, with the cause `otherState` or `mode`.
    package func refusal(ofReloadTo served: ServedModel, resetting: Bool) -> StreamsError? {
        guard resetting || canCarry(to: served) else {
            return StreamsError(
                .otherState,
                "the state of '\(name)' is \(stateDescription), but \(served.file) now has \(served.stateDescription), with "
                    + "which it cannot go on; ask for a reset, or put the file back")
        }
        guard rules == served.rules, model.input == served.model.input else {
            return StreamsError(
                .mode,
                "\(served.file) takes other timesteps than '\(name)', or needs other rules; create a new cluster for it"
            )
        }
        return nil
    }

    /// Whether state of this model can continue with the weights of another model.
    func canCarry(to other: ServedModel) -> Bool {
        stateLayout == other.stateLayout && rule.basis == other.rule.basis && rule.lastStep == other.rule.lastStep
    }

    var stateDescription: String {
        rule.lastStep.map { "[\(stateLayout)] in sequences of \($0)" } ?? "[\(stateLayout)]"
    }
}
