import Glibc
import Recurrent

/// A kind of model to measure.
package enum EngineLayer: String, CaseIterable, Encodable, Sendable {
    /// LSTM(units) → Dense(1, sigmoid) with one feature.
    case lstm = "LSTM → Dense(1)"
    /// GRU(units) → Dense(1, sigmoid) with one feature.
    case gru = "GRU → Dense(1)"
    /// Dense(units) with the same number of features, without activation.
    case dense = "Dense"
}

/// A model with random weights, and the number of operations that its equations need for one step.
struct EngineModel {
    let layer: EngineLayer
    let units: Int

    /// The number of multiply-adds in one timestep.
    var multiplyAdds: Int {
        switch layer {
        case .lstm: 4 * units * (1 + units) + units
        case .gru: 3 * units * (1 + units) + units
        case .dense: units * units
        }
    }

    /// The number of exponentials in one timestep. A tanh counts as one.
    var exponentials: Int {
        switch layer {
        case .lstm: 5 * units + 1
        case .gru: 3 * units + 1
        case .dense: 0
        }
    }

    /// The length of the chain of dependent 1 / (1 + e^-x) or tanh evaluations in one timestep: a gate and the cell
    /// state in an LSTM, the reset gate and the candidate in a GRU.
    var logisticsInARow: Int { layer == .dense ? 0 : 2 }

    /// The length of the chain of dependent multiply-adds in one timestep, if a gate's products are summed in pairs.
    var multiplyAddsInARow: Int { layer == .dense ? 0 : Int(log2(Double(units)).rounded(.up)) + 1 }

    /// The size of all weights in bytes.
    var weightBytes: Int {
        let biases =
            switch layer {
            case .lstm: 4 * units + 1
            case .gru: 6 * units + 1
            case .dense: units
            }
        return (multiplyAdds + biases) * MemoryLayout<Float>.stride
    }

    /// Builds the model. Equal parameters give equal models.
    func build(_ kernels: Kernels) throws(ModelError) -> Model {
        var random = SplitMix64(seed: UInt64(units))
        // This range keeps the state of a layer of this width from saturating.
        let range = 1 / Float(units).squareRoot()
        func weight(_ shape: Int...) throws(ModelError) -> Tensor {
            let count = shape.reduce(1, *)
            return try Tensor(
                shape: shape, values: (0..<count).map { _ in .random(in: -range...range, using: &random) })
        }
        var layers: [any Layer]
        switch layer {
        case .lstm:
            layers = [
                try LSTM(
                    units: units, kernel: try weight(1, 4 * units), recurrentKernel: try weight(units, 4 * units),
                    bias: try weight(4 * units))
            ]
        case .gru:
            layers = [
                try GRU(
                    units: units, kernel: try weight(1, 3 * units), recurrentKernel: try weight(units, 3 * units),
                    bias: try weight(2, 3 * units))
            ]
        case .dense:
            layers = [
                try Dense(
                    units: units, activation: .linear, kernel: try weight(units, units), bias: try weight(units))
            ]
        }
        if layer != .dense {
            layers.append(
                try Dense(units: 1, activation: .sigmoid, kernel: try weight(units, 1), bias: try weight(1)))
        }
        return try Model(layers: layers, kernels: kernels)
    }
}
