package import Recurrent

/// A layer with fixed factors and addends.
protocol FixedScale: Layer {
    /// Shape (units) each: `y = x ⊙ scale + offset`.
    var scaleAndOffset: ([Float], [Float]) { get }
}

extension Rescaling: FixedScale {
    var scaleAndOffset: ([Float], [Float]) { (scale.values, offset.values) }
}

extension Normalization: FixedScale {
    var scaleAndOffset: ([Float], [Float]) {
        let deviations = variance.values.map { max($0.squareRoot(), Self.smallestDeviation) }
        guard !isInverse else { return (deviations, mean.values) }
        return (deviations.map { 1 / $0 }, zip(mean.values, deviations).map { -$0 / $1 })
    }
}

extension BatchNormalization: FixedScale {
    var scaleAndOffset: ([Float], [Float]) { factors }
}

extension Layer {
    /// Whether the layer has trainable weights.
    package var isTrainable: Bool { !(self is any FixedScale) && !weights.isEmpty }
}

/// Returns a copy of a layer with new weights.
///
/// - Parameters:
///   - layer: A trainable layer.
///   - weights: The new weights, in the same order and with the same shapes as the layer's current weights.
/// - Returns: The new layer.
/// - Throws: ``ModelError`` if a weight is not finite.
func replacingWeights(of layer: any Layer, with weights: [Tensor]) throws(ModelError) -> any Layer {
    switch layer {
    case let layer as any RecurrentLayer: return try replacingWeights(ofRecurrent: layer, with: weights)
    case let layer as Backwards: return Backwards(try replacingWeights(ofRecurrent: layer.layer, with: weights))
    case let layer as Bidirectional:
        let count = layer.forward.weights.count
        return try Bidirectional(
            forward: replacingWeights(ofRecurrent: layer.forward, with: Array(weights[..<count])),
            backward: replacingWeights(ofRecurrent: layer.backward, with: Array(weights[count...])),
            merge: layer.merge, returnsSequences: layer.returnsSequences)
    case let layer as Dense:
        return try Dense(
            units: layer.units, activation: layer.activation, kernel: weights[0], bias: weights.dropFirst().first)
    case let layer as Embedding:
        return try Embedding(
            vocabulary: layer.vocabulary, units: layer.units, embeddings: weights[0], masksZero: layer.masksZero)
    case let layer as LayerNormalization:
        return try LayerNormalization(
            units: layer.units, epsilon: layer.epsilon, gamma: layer.gamma.map { _ in weights[0] },
            beta: layer.beta.flatMap { _ in weights.last })
    default: return layer
    }
}

private func replacingWeights(
    ofRecurrent layer: any RecurrentLayer, with weights: [Tensor]
) throws(ModelError) -> any RecurrentLayer {
    let bias = weights.dropFirst(2).first
    switch layer {
    case let layer as LSTM:
        return try LSTM(
            units: layer.units, activation: layer.activation, recurrentActivation: layer.recurrentActivation,
            kernel: weights[0], recurrentKernel: weights[1], bias: bias, maskedOutput: layer.maskedOutput)
    case let layer as GRU:
        return try GRU(
            units: layer.units, activation: layer.activation, recurrentActivation: layer.recurrentActivation,
            resetsAfter: layer.resetsAfter, kernel: weights[0], recurrentKernel: weights[1], bias: bias,
            maskedOutput: layer.maskedOutput)
    case let layer as SimpleRNN:
        return try SimpleRNN(
            units: layer.units, activation: layer.activation, kernel: weights[0], recurrentKernel: weights[1],
            bias: bias, maskedOutput: layer.maskedOutput)
    default: return layer
    }
}
