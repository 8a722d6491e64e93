package import Recurrent

/// Returns a model with the layers LSTM → Dense. All weights differ, so that every input affects the output.
package func livelyModel(features: Int = 1, units: Int = 3, outputs: Int = 1, seed: Float = 0) throws -> Model {
    var weights = LivelyWeights(seed: seed)
    return try Model(layers: [
        weights.lstm(features: features, units: units), weights.dense(features: units, units: outputs),
    ])
}

/// Returns a model with the layers Bidirectional(LSTM) → Dense, whose weights all differ. The model has no output
/// before the end of a sequence.
package func twoWayModel(features: Int = 1, units: Int = 3) throws -> Model {
    var weights = LivelyWeights()
    return try Model(layers: [
        Bidirectional(
            forward: weights.lstm(features: features, units: units),
            backward: weights.lstm(features: features, units: units), merge: .concat, returnsSequences: false),
        weights.dense(features: 2 * units, units: 1),
    ])
}

/// Returns a model like ``twoWayModel(features:units:)`` with one output for each timestep.
package func taggerModel() throws -> Model {
    var weights = LivelyWeights()
    return try Model(layers: [
        Bidirectional(
            forward: weights.lstm(features: 1, units: 3), backward: weights.lstm(features: 1, units: 3),
            merge: .concat, returnsSequences: true),
        weights.dense(features: 6, units: 1),
    ])
}

/// Creates layers whose weights all differ.
private struct LivelyWeights {
    var seed: Float = 0

    mutating func lstm(features: Int, units: Int) throws -> LSTM {
        try LSTM(
            units: units, kernel: tensor([features, 4 * units]), recurrentKernel: tensor([units, 4 * units]),
            bias: tensor([4 * units]))
    }

    mutating func dense(features: Int, units: Int) throws -> Dense {
        try Dense(units: units, activation: .sigmoid, kernel: tensor([features, units]), bias: tensor([units]))
    }

    private mutating func tensor(_ shape: [Int]) throws -> Tensor {
        let values = (0..<shape.reduce(1, *)).map { _ in
            seed += 1
            return 3 * ((seed * 0.618_034).truncatingRemainder(dividingBy: 1) - 0.5)
        }
        return try Tensor(shape: shape, values: values)
    }
}
