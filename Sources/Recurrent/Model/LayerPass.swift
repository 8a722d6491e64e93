/// A layer's pass over a sequence, which only the engine runs.
package struct LayerPass {
    enum Direction {
        /// From the first timestep to the last. Each output depends on no later timestep.
        case forward(LayerStep)
        /// From the last timestep to the first. The outputs are in that order.
        case backward(LayerStep)
        /// Both directions, each with its own weights and state.
        case bidirectional(Bidirectional.Pass)
    }

    let direction: Direction

    init(_ direction: Direction) {
        self.direction = direction
    }

    /// Whether each output depends on no later timestep.
    var isCausal: Bool {
        if case .forward = direction { true } else { false }
    }

    /// Whether an output depends on other timesteps than its own.
    var hasMemory: Bool {
        if case .forward(let step) = direction { step.stateSize > 0 } else { true }
    }

    /// The floats of state during the pass; of two directions, of the one that has more.
    var stateSize: Int { steps.map { $0.stateSize }.max() ?? 0 }

    /// The floats of working memory during a step.
    var scratchSize: Int { steps.map { $0.scratchSize }.max() ?? 0 }

    /// Makes the layer step every timestep, because no mask reaches it.
    mutating func ignoreMask() {
        switch direction {
        case .forward(let step): self = LayerPass(.forward(step.ignoringMask))
        case .backward(let step): self = LayerPass(.backward(step.ignoringMask))
        case .bidirectional(var pass):
            pass.forward = pass.forward.ignoringMask
            pass.backward = pass.backward.ignoringMask
            self = LayerPass(.bidirectional(pass))
        }
    }

    private var steps: [LayerStep] {
        switch direction {
        case .forward(let step), .backward(let step): [step]
        case .bidirectional(let pass): [pass.forward, pass.backward]
        }
    }
}
