import FoundationEssentials
import Recurrent

/// Keras' TimeDistributed (<https://keras.io/api/layers/recurrent_layers/time_distributed/>) of a Dense. The outputs
/// are the same as those of the Dense without the wrapper.
struct KerasTimeDistributed: KerasLayer {
    static let className = "TimeDistributed"

    private let layer: KerasDense

    private enum Option: CodingKey {
        case layer, config, dtype
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        let object = try options.nestedContainer(keyedBy: Option.self, forKey: .layer)
        let className = try options.decode(KerasClass.self, forKey: .layer).name
        guard className == KerasDense.className else {
            throw Defect(
                .unsupported,
                "TimeDistributed of the layer '\(className)' is not supported; supported: \(KerasDense.className)")
        }
        let config = try object.nestedContainer(keyedBy: Option.self, forKey: .config)
        try config.decodeIfPresent(KerasDType.self, forKey: .dtype)?.requireLayer()
        layer = try object.decode(KerasDense.self, forKey: .config)
    }

    var weights: [KerasWeight] {
        layer.weights.map { $0.nested(in: "layer") }
    }

    var activations: [Activation] { layer.activations }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        guard input.axes.count == 3 else {
            throw Defect(.unsupported, "is given \(input); supported: (batch, timesteps, features)")
        }
        return try layer.outputShape(of: input)
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try layer.build(weights: weights, input: input)
    }

    func initialWeights(input: KerasShape, _ numbers: inout InitialNumbers) throws(ModelError) -> [Tensor] {
        try layer.initialWeights(input: input, &numbers)
    }
}
