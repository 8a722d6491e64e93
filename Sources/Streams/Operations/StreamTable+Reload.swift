import Recurrent
public import Wire

/// Weights that are in a model's place since a reload, while streams go over to them one by one.
struct ModelExchange {
    let model: Int
    /// Where streams have their rows until they have gone over; nil: they have the rows that the new weights use.
    let old: StreamMemory?
    let resets: Bool
}

/// A model's weights that change while its streams are there.
extension StreamTable {
    /// What becomes of the state of other weights.
    public enum OtherWeights: String, CaseIterable, Sendable {
        /// It is refused, and stays as it is.
        case refuse
        /// It goes on with the weights that there are now, where every layer's state has the same shape; else it is refused.
        case carry
        /// It becomes zero; sequence numbers go on.
        case reset
    }

    /// Puts other weights in a model's place, with all of its streams, or changes nothing. Where each stream must be changed for
    /// that, ``sweep(limit:)`` does it.
    ///
    /// - Parameters:
    ///   - model: Which of ``models``; none of its streams asleep.
    ///   - served: The weights, with the policy that the model has.
    ///   - resetting: The state becomes zero; else it goes on.
    ///   - number: What the journal calls the weights; nil where none is kept.
    /// - Returns: How many streams go on with the state that they had.
    /// - Throws: ``ControlError``: `fingerprintDiffers` where the state cannot go on; `refusedInMode` where timesteps wait
    ///   that the model would not take any more.
    /// - Precondition: No operation is under way.
    public mutating func beginReload(
        _ model: Int, with served: ServedModel, resetting: Bool, number: UInt16? = nil
    ) throws(ControlError) -> Int {
        precondition(sweep == nil && !restoration.isBegun, "one operation after another")
        let before = models[model]
        let count = count(ofModel: model)
        try checkReload(model, with: served, isPossible: resetting || count == 0 || before.canCarry(to: served))
        if before.imageFingerprint == served.imageFingerprint && !resetting { return count }

        // Rows that stay are not copied, so that they are not in memory twice.
        let keepsRows = before.canCarry(to: served) && before.model.outputs == served.model.outputs
        exchange = ModelExchange(model: model, old: keepsRows ? nil : memories[model], resets: resetting)
        memories[model] =
            keepsRows
            ? memories[model].handOver(to: served, workers: workers) : StreamMemory(served, workers: workers)
        models[model] = served
        if let number { weightsNumbers?[model] = number }
        if keepsRows, !resetting {
            // However many streams there are: each only has to be stored again.
            exchange = nil
            for slot in index.slots where has(slot, ofModel: model) { markChanged(slot) }
        } else if count > 0 {
            phase.flip()
            sweep = StreamSweep(.exchange, .all, end: index.slots.count)
        }
        return resetting ? 0 : count
    }

    private func checkReload(_ model: Int, with served: ServedModel, isPossible: Bool) throws(ControlError) {
        let before = models[model]
        guard asleepCount == 0 || !index.slots.contains(where: { has($0, ofModel: model) && streams[$0].isAsleep })
        else {
            throw ControlError(.internal, "streams of '\(before.name)' could not be read from the store; try again")
        }
        guard isPossible else {
            throw ControlError(
                .fingerprintDiffers,
                "the state of '\(before.name)' is \(before.stateDescription), but \(served.file) now has "
                    + "\(served.stateDescription), with which it cannot go on; ask for a reset, or put the file back")
        }
        guard
            before.model.input == served.model.input
                || !index.slots.contains(where: { has($0, ofModel: model) && streams[$0].waits })
        else {
            throw ControlError(
                .refusedInMode,
                "streams of '\(before.name)' are paused, and \(served.file) takes other timesteps than those that "
                    + "wait; resume or remove them first")
        }
    }

    /// Has a stream go over to the weights that are in its model's place now, as the operation under way reaches it.
    mutating func goOver(_ slot: Int) {
        guard let exchange, streams[slot].model == exchange.model else { return }
        if exchange.resets {
            recordReset(.stream(id(of: slot)))
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
            // Outputs of another kind: the last answer and its label mean nothing any more.
            values += [Float](repeating: 0, count: outputCount)
            streams[slot].label = nil
        }
        streams[slot].row = new.insert()
        new.replace(streams[slot].row, with: values.span)
    }

    /// Streams of one of ``models``.
    public func count(ofModel model: Int) -> Int { index.slots.count { has($0, ofModel: model) } }

    private func has(_ slot: Int, ofModel model: Int) -> Bool { index.isTaken(slot) && streams[slot].model == model }

    /// The name of the model that takes a stream; nil where none does.
    public func modelName(for id: String) -> String? {
        router.model(for: id.utf8.span).map { models[$0].name }
    }

    /// A stored stream as it goes on at a start, where its weights are not those that are served now.
    ///
    /// - Parameters:
    ///   - slice: What the store has.
    ///   - number: Which of the slice's streams.
    ///   - model: Which of ``models`` it goes to.
    ///   - choice: What to do with it.
    ///   - layout: ``ServedModel/stateLayout`` of the weights that it came from; nil where the store does not know.
    /// - Returns: The image for the present weights; nil where it is theirs already, or is to be refused.
    /// - Throws: ``ControlError`` with the code `fingerprintDiffers` where it cannot go on with them.
    func adapted(
        _ slice: StreamSlice, _ number: Int, to model: Int, _ choice: OtherWeights, layout: String?
    ) throws(ControlError) -> StreamImage? {
        let served = models[model]
        guard choice != .refuse, slice.fingerprints[slice.entries[number].weights] != served.imageFingerprint else {
            return nil
        }
        return try adapted(slice.image(number), to: model, choice, layout: layout)
    }

    /// The same for an image.
    func adapted(
        _ image: StreamImage, to model: Int, _ choice: OtherWeights, layout: String?
    ) throws(ControlError) -> StreamImage {
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
            throw ControlError(
                .fingerprintDiffers,
                "the state of stream '\(image.id)' is \(layout.map { "[\($0)]" } ?? "of an unknown kind"), and "
                    + "'\(served.name)' has \(served.stateDescription), with which it cannot go on; start with "
                    + "--on-other-weights reset, serve the model file that it came from")
        }
        return adapted
    }
}

extension ServedModel {
    /// Whether a state of this model can go on with the weights of another.
    func canCarry(to other: ServedModel) -> Bool {
        stateLayout == other.stateLayout && rule.basis == other.rule.basis && rule.lastStep == other.rule.lastStep
    }

    var stateDescription: String {
        rule.lastStep.map { "[\(stateLayout)] in sequences of \($0)" } ?? "[\(stateLayout)]"
    }
}
