import FoundationEssentials
import Recurrent

/// Keras' PReLU (<https://keras.io/api/layers/activation_layers/prelu/>), a rectifier with trained slopes.
struct KerasPReLU: KerasElementwiseLayer {
    static let className = "PReLU"

    /// The axes along which the slopes are shared. Axis 0 is the batch, and axis 1 of a sequence is time.
    private let sharedAxes: Set<Int>

    private enum Option: String, CodingKey {
        case sharedAxes = "shared_axes"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        if let axis = try? options.decode(Int.self, forKey: .sharedAxes) {
            sharedAxes = [axis]
        } else {
            sharedAxes = Set(try options.decodeIfPresent([Int].self, forKey: .sharedAxes) ?? [])
        }
    }

    var weights: [KerasWeight] { [KerasWeight(archivePath: "vars/0", name: "alpha")] }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        guard input.axes.count < 3 || sharedAxes.contains(1) || input.axes[1] == 1 else {
            throw Defect(
                .unsupported,
                "with a slope for each timestep of \(input) is not supported; supported: shared_axes=[1], which gives "
                    + "all timesteps the same slopes")
        }
        return try input.withKnownFeatures()
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try ParametricRectifier(units: input.features, alpha: weights[0])
    }
}
