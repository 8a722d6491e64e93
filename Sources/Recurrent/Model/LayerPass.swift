/// A layer's pass over a sequence. Only the engine runs it.
package struct LayerPass {
    enum Direction {
        /// From the first timestep to the last. No output depends on a later timestep.
        case forward(LayerStep)
        /// From the last timestep to the first. The outputs are in that order.
        case backward(LayerStep)
        /// Both directions, each with its own weights and state.
        case bidirectional(Bidirectional.Pass)
        /// Over the whole sequence at once.
        case whole(any SequencePass)
    }

    let direction: Direction

    init(_ direction: Direction) {
        self.direction = direction
    }

    /// Whether no output depends on a later timestep.
    var isCausal: Bool {
        if case .forward = direction { true } else { false }
    }

    /// Whether an output depends on any timestep other than its own.
    var hasMemory: Bool {
        if case .forward(let step) = direction { step.stateSize > 0 } else { true }
    }

    /// The number of floats of state that the pass needs. The two directions of a bidirectional pass run one after the
    /// other, so the pass needs only the larger of the two states.
    var stateSize: Int { steps.map { $0.stateSize }.max() ?? 0 }

    /// The number of floats of working memory that a step needs.
    var scratchSize: Int { steps.map { $0.scratchSize }.max() ?? 0 }

    /// Makes the layer step every timestep. Call this only for a layer that no mask reaches.
    mutating func ignoreMask() {
        switch direction {
        case .forward(let step): self = LayerPass(.forward(step.ignoringMask))
        case .backward(let step): self = LayerPass(.backward(step.ignoringMask))
        case .bidirectional(var pass):
            pass.forward = pass.forward.ignoringMask
            pass.backward = pass.backward.ignoringMask
            self = LayerPass(.bidirectional(pass))
        case .whole: break
        }
    }

    private var steps: [LayerStep] {
        switch direction {
        case .forward(let step), .backward(let step): [step]
        case .bidirectional(let pass): [pass.forward, pass.backward]
        case .whole: []
        }
    }
}
