/// Runs a model over whole sequences, each from the zero state.
///
/// A model that is not causal needs a runner, because each of its outputs may depend on the whole sequence. A runner
/// also steps the windows of a stream, each of which starts from the zero state.
///
/// The runner steps a causal model timestep by timestep, like a ``StatePool``. In any other model, each layer runs over
/// the whole sequence before the next layer starts. The runner reuses its buffers in every run. It has one owner on one
/// thread.
@safe
package final class SequenceRunner {
    /// The weights.
    package let model: Model

    private let state: UnsafeMutablePointer<Float>
    private let outputs: UnsafeMutablePointer<Float>
    private let scratch: UnsafeMutablePointer<Float>
    /// Nil until the first run of a model that is not causal.
    private var memory: LayerSequence?

    /// Creates a runner of a model.
    package init(model: Model) {
        self.model = model
        let stateSize = max(model.stateSize, model.passes.map(\.stateSize).max() ?? 0) + Kernels.padding
        unsafe state = .allocate(capacity: stateSize)
        unsafe state.initialize(repeating: 0, count: stateSize)
        unsafe outputs = .allocate(capacity: model.outputs)
        unsafe outputs.initialize(repeating: 0, count: model.outputs)
        unsafe scratch = .allocate(capacity: max(1, model.scratchSize))
        unsafe scratch.initialize(repeating: 0, count: max(1, model.scratchSize))
    }

    deinit {
        unsafe state.deallocate()
        unsafe outputs.deallocate()
        unsafe scratch.deallocate()
    }

    /// Returns the model's output for one whole sequence.
    ///
    /// - Parameter timesteps: Shape (n, features). The model must be able to take a sequence of n timesteps:
    ///   ``Model/timesteps(of:)``.
    /// - Returns: Shape (outputs), valid until the next run.
    @_lifetime(borrow self)
    package func output(for timesteps: Span<Float>) -> Span<Float> {
        let (count, rest) = timesteps.count.quotientAndRemainder(dividingBy: model.features)
        precondition(count >= 1 && rest == 0)
        unsafe timesteps.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            if model.isCausal {
                unsafe step(start, count: count)
            } else {
                unsafe outputs.update(from: pass(start, count: count).last, count: model.outputs)
            }
        }
        let span = unsafe Span(_unsafeStart: outputs, count: model.outputs)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Returns the model's output at each timestep of one whole sequence.
    ///
    /// - Parameter timesteps: Shape (n, features), n at least 1. The model must not be causal, and must answer every
    ///   timestep.
    /// - Returns: Shape (n, outputs), in the order of the last layer's outputs; valid until the next run.
    @_lifetime(borrow self)
    package func everyOutput(for timesteps: Span<Float>) -> Span<Float> {
        let (count, rest) = timesteps.count.quotientAndRemainder(dividingBy: model.features)
        precondition(count >= 1 && rest == 0 && !model.isCausal)
        let sequence = unsafe timesteps.withUnsafeBufferPointer { buffer in
            unsafe buffer.baseAddress.map { start in unsafe pass(start, count: count, keepsEvery: true) }
        }
        guard let sequence, sequence.count == count else {
            preconditionFailure("the model does not answer every timestep")
        }
        let span = unsafe Span(_unsafeStart: sequence.values, count: count * model.outputs)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    private func step(_ timesteps: UnsafePointer<Float>, count: Int) {
        unsafe state.update(repeating: 0, count: model.stateSize)
        for index in 0..<count {
            unsafe model.step(
                input: timesteps + index * model.features, state: state, output: outputs, scratch: scratch)
        }
    }

    /// Runs each layer over the whole sequence before the next layer starts.
    ///
    /// - Parameters:
    ///   - timesteps: Shape (count, features).
    ///   - count: The number of timesteps.
    ///   - keepsEvery: Whether to compute the output at every timestep, not only at the last.
    /// - Returns: The outputs, valid until the next run.
    private func pass(_ timesteps: UnsafePointer<Float>, count: Int, keepsEvery: Bool = false) -> LayerSequence {
        let sequence = sequence(for: count)
        unsafe sequence.begin(timesteps, count: count, features: model.features)
        let last = model.passes.lastIndex(where: \.hasMemory) ?? 0
        for (index, (layer, pass)) in zip(model.layers, model.passes).enumerated() {
            // After the last layer with memory, only the last timestep affects the output.
            if index > last && !keepsEvery { sequence.keepLast() }
            switch pass.direction {
            case .forward(let step): unsafe sequence.run(step, state: state, scratch: scratch)
            case .backward(let step): unsafe sequence.run(step, isBackward: true, state: state, scratch: scratch)
            case .bidirectional(let pass): unsafe sequence.run(pass, state: state, scratch: scratch)
            case .whole(let pass):
                sequence.run(pass, timesteps: layer.timesteps(of: sequence.count) ?? 1, units: layer.units)
            }
        }
        return sequence
    }

    /// Returns the runner's buffers, with room for a sequence of `count` timesteps.
    private func sequence(for count: Int) -> LayerSequence {
        let room = room(for: count)
        if let sequence = memory, sequence.room.covers(room) { return sequence }
        let sequence = LayerSequence(room)
        memory = sequence
        return sequence
    }

    /// Returns the sizes of the buffers for a sequence of `count` timesteps.
    private func room(for count: Int) -> LayerSequence.Room {
        var timesteps = count
        var room = LayerSequence.Room(timesteps: count, floats: count * model.features)
        for (layer, pass) in zip(model.layers, model.passes) {
            // A Bidirectional writes its outputs at all timesteps, even if only the last one counts.
            room.floats = max(room.floats, timesteps * layer.units)
            if case .whole(let pass) = pass.direction {
                room.scratch = max(room.scratch, pass.scratchSize(for: timesteps))
            }
            guard let next = layer.timesteps(of: timesteps) else {
                preconditionFailure("the model cannot take a sequence of \(count) timesteps")
            }
            timesteps = next
            room.timesteps = max(room.timesteps, timesteps)
            room.floats = max(room.floats, timesteps * layer.units)
        }
        return room
    }
}
