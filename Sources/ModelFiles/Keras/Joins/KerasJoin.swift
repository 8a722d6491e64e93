import Recurrent

/// A layer or an operation that the engine computes as a node of a ``Graph``, such as a merge of several inputs.
protocol KerasJoin: KerasLayer {
    /// The names of the arguments of a call that the layer supports.
    var callArguments: Set<String> { get }

    /// Returns the output shape for the inputs of a call.
    ///
    /// - Throws: ``Defect`` if the layer cannot take the inputs.
    func outputShape(of inputs: [KerasShape], _ call: KerasCall, _ rule: KerasMaskRule) throws(Defect) -> KerasShape

    /// Builds the engine's operation.
    ///
    /// - Parameters:
    ///   - weights: The tensors of the weights that are read.
    ///   - inputs: Shapes that ``outputShape(of:_:_:)`` accepted.
    ///   - call: The call.
    ///   - rule: The rule for masks.
    /// - Returns: The operation.
    /// - Throws: ``ModelError`` if a weight has the wrong shape.
    func operation(
        weights: [Tensor], inputs: [KerasShape], _ call: KerasCall, _ rule: KerasMaskRule
    ) throws(ModelError) -> Graph.Operation

    /// Returns how a mask of the output follows from the masks of the inputs.
    func mask(_ rule: KerasMaskRule) -> MaskCombination
}

extension KerasJoin {
    var callArguments: Set<String> { [] }

    func mask(_ rule: KerasMaskRule) -> MaskCombination { .first }

    /// Only a call of the layer builds it.
    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? { nil }
}

/// How a version of Keras combines the masks of merged values. The current version keeps a timestep that any input keeps,
/// and leaves masked inputs out of a product, a maximum and a minimum. Keras 2 and the first versions of Keras 3 keep a timestep that every input keeps.
enum KerasMaskRule {
    case keptByAny
    case keptByEvery
}

extension KerasShape {
    /// The maximum number of timesteps that a file may state.
    private static let maximumTimesteps = 1 << 24

    /// Refuses a shape that would need too much memory.
    func requireLimits() throws(Defect) {
        let known = try withKnownFeatures()
        guard known.axes.count < 3 || (known.axes[1] ?? 0) <= Self.maximumTimesteps else {
            throw Defect(
                .unsupported, "is given \(self); supported: at most \(Self.maximumTimesteps) timesteps")
        }
    }
}

extension [KerasShape] {
    /// Refuses a call with a wrong number of inputs.
    func require(_ counts: ClosedRange<Int>) throws(Defect) {
        guard counts.contains(count) else {
            let supported =
                counts.lowerBound == counts.upperBound
                ? "\(counts.lowerBound)"
                : counts.upperBound == .max
                    ? "\(counts.lowerBound) or more" : "\(counts.lowerBound) to \(counts.upperBound)"
            throw Defect(
                .unsupported,
                "is called with \(count) \(count == 1 ? "input" : "inputs"); supported: \(supported)")
        }
    }

    /// The inputs, for messages.
    var text: String { map(\.description).joined(separator: " and ") }
}
