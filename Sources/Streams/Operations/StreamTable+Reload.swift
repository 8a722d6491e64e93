import Recurrent
public import Wire

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

    /// Puts other weights in a model's place, with all of its streams, or changes nothing.
    ///
    /// - Parameters:
    ///   - model: Which of ``models``; none of its streams asleep.
    ///   - served: The weights, with the policy that the model has.
    ///   - resetting: The state becomes zero; else it goes on.
    ///   - number: What the journal calls the weights; nil where none is kept.
    /// - Returns: How many streams go on with the state that they had.
    /// - Throws: ``ControlError``: `fingerprintDiffers` where the state cannot go on; `refusedInMode` where timesteps wait
    ///   that the model would not take any more.
    public mutating func reload(
        _ model: Int, with served: ServedModel, resetting: Bool, number: UInt16? = nil
    ) throws(ControlError) -> Int {
        let before = models[model]
        let slots = slots(ofModel: model)
        guard slots.allSatisfy({ !streams[$0].isAsleep }) else {
            throw ControlError(.internal, "streams of '\(before.name)' could not be read from the store; try again")
        }
        guard resetting || slots.isEmpty || before.canCarry(to: served) else {
            throw ControlError(
                .fingerprintDiffers,
                "the state of '\(before.name)' is \(before.stateDescription), but \(served.file) now has "
                    + "\(served.stateDescription), with which it cannot go on; ask for a reset, or put the file back")
        }
        guard before.model.input == served.model.input || slots.allSatisfy({ !streams[$0].waits }) else {
            throw ControlError(
                .refusedInMode,
                "streams of '\(before.name)' are paused, and \(served.file) takes other timesteps than those that "
                    + "wait; resume or remove them first")
        }
        if before.imageFingerprint == served.imageFingerprint && !resetting { return slots.count }

        if !resetting, before.canCarry(to: served), before.model.outputs == served.model.outputs {
            // However many streams there are: each only has to be stored again.
            memories[model] = memories[model].handOver(to: served, workers: workers)
            for slot in slots { markChanged(slot) }
            exchange(model, for: served, number)
            return slots.count
        }

        let old = memories[model]
        let new = StreamMemory(served, workers: workers)
        for slot in slots {
            let outputs = old.outputs(of: streams[slot].row)
            var values = old.values(of: streams[slot].row)
            values.removeLast(outputs.count)
            if resetting {
                recordReset(.stream(id(of: slot)))
                values = [Float](repeating: 0, count: new.emptyCount - served.model.outputs)
                streams[slot].step = 0
            }
            if outputs.count == served.model.outputs {
                values += outputs
            } else {
                // Outputs of another kind: the last answer and its label mean nothing any more.
                values += [Float](repeating: 0, count: served.model.outputs)
                streams[slot].label = nil
            }
            streams[slot].row = new.insert()
            new.replace(streams[slot].row, with: values.span)
            markChanged(slot)
        }
        memories[model] = new
        exchange(model, for: served, number)
        return resetting ? 0 : slots.count
    }

    private mutating func exchange(_ model: Int, for served: ServedModel, _ number: UInt16?) {
        models[model] = served
        if let number { weightsNumbers?[model] = number }
    }

    /// Streams of one of ``models``.
    public func count(ofModel model: Int) -> Int { slots(ofModel: model).count }

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
