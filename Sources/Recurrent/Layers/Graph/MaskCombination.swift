/// The mask of a node's output in a ``Graph``, which follows from the masks of its inputs.
package enum MaskCombination: String, BitwiseCopyable, Sendable {
    /// The output has no mask.
    case discarded
    /// The mask of the first input. A layer that generates masks adds its own.
    case first
    /// A timestep is masked if all inputs are masked there.
    case everyInput = "every_input"
    /// A timestep is masked if an input is masked there.
    case anyInput = "any_input"
    /// The masks of the inputs, one after the other.
    case sequence

    /// Computes the mask of the output.
    func run(_ inputs: GraphInputs, into y: GraphValue) {
        if self == .sequence {
            var first = 0
            for index in 0..<inputs.count {
                unsafe (y.isMasked + first).update(from: inputs[index].isMasked, count: inputs[index].count)
                first += inputs[index].count
            }
            return
        }
        for timestep in 0..<y.count { unsafe y.isMasked[timestep] = isMasked(inputs, at: timestep) }
    }

    private func isMasked(_ inputs: GraphInputs, at timestep: Int) -> Bool {
        switch self {
        case .discarded, .sequence: return false
        case .first: return inputs[0].isMasked(timestep)
        case .everyInput:
            for index in 0..<inputs.count where !inputs[index].isMasked(timestep) { return false }
            return true
        case .anyInput:
            for index in 0..<inputs.count where inputs[index].isMasked(timestep) { return true }
            return false
        }
    }
}
