import FoundationEssentials
import Recurrent

/// Keras' TimeDistributed (<https://keras.io/api/layers/recurrent_layers/time_distributed/>) of a layer that works on
/// one timestep. The outputs are the same as those of the layer without the wrapper.
struct KerasTimeDistributed: KerasLayer {
    static let className = "TimeDistributed"

    /// The layers that work on one timestep.
    private static let kinds: [any KerasLayer.Type] = [
        KerasDense.self, KerasActivationLayer.self, KerasReLU.self, KerasLeakyReLU.self, KerasPReLU.self, KerasELU.self,
        KerasSoftmax.self, KerasRescaling.self, KerasNormalization.self, KerasLayerNormalization.self,
        KerasBatchNormalization.self, KerasFlatten.self, KerasReshape.self, KerasDropout.self,
        KerasGaussianNoise.self, KerasGaussianDropout.self, KerasAlphaDropout.self, KerasActivityRegularization.self,
    ]

    private let layer: any KerasLayer

    private enum Option: CodingKey {
        case layer, config, dtype
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        let object = try options.nestedContainer(keyedBy: Option.self, forKey: .layer)
        let className = try options.decode(KerasClass.self, forKey: .layer).name
        guard let kind = Self.kinds.first(where: { $0.className == className }) else {
            let names = Self.kinds.map { $0.className }.joined(separator: ", ")
            throw Defect(
                .unsupported, "TimeDistributed of the layer '\(className)' is not supported; supported: \(names)")
        }
        let config = try object.nestedContainer(keyedBy: Option.self, forKey: .config)
        try config.decodeIfPresent(KerasDType.self, forKey: .dtype)?.requireLayer()
        layer = try kind.init(from: object.superDecoder(forKey: .config))
    }

    var weights: [KerasWeight] {
        layer.weights.map { $0.nested(in: "layer") }
    }

    var activations: [Activation] { layer.activations }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        guard input.axes.count == 3 else {
            throw Defect(.unsupported, "is given \(input); supported: (batch, timesteps, features)")
        }
        let output = try layer.outputShape(of: timestep(of: input))
        guard output.axes.count == 2 else {
            throw Defect(.unsupported, "gives timesteps of the shape \(output); supported: (batch, features)")
        }
        return KerasShape([input.axes[0], input.axes[1], output.axes[1]], isMasked: input.isMasked)
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try layer.build(weights: weights, input: timestep(of: input))
    }

    func initialWeights(input: KerasShape, _ numbers: inout InitialNumbers) throws(ModelError) -> [Tensor] {
        try layer.initialWeights(input: timestep(of: input), &numbers)
    }

    /// Returns the shape of one timestep, as the inner layer sees it. A layer that reshapes a timestep gets no mask.
    private func timestep(of input: KerasShape) -> KerasShape {
        KerasShape(
            [input.axes[0], input.axes.last ?? nil], isMasked: input.isMasked && !(layer is any KerasReshapingLayer))
    }
}
