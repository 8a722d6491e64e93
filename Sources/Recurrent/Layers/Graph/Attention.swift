/// Keras' Attention and AdditiveAttention (<https://keras.io/api/layers/attention_layers/attention/>): for each timestep
/// of a query, a mean of the values, weighted by how well the keys match the query.
///
/// The inputs are the query, the values and the keys. Without keys, the values are the keys too.
package struct Attention: Equatable, Sendable {
    /// The measure of how well a key k matches a query q.
    package enum Score: Equatable, Sendable {
        /// q · k
        case dot
        /// weight · Σ tanh(q + k)
        case concat(weight: Tensor)
        /// Σ scale ⊙ tanh(q + k), where the scale is one number for each feature.
        case additive
    }

    /// The measure of a match.
    package let score: Score
    /// The factor of the dot product or of the sum in a tanh, a scalar; for ``Score/additive``, shape (features). Nil
    /// stands for 1.
    package let scale: Tensor?
    /// Whether a timestep of the query attends to no later timestep: Keras' `use_causal_mask`.
    package let isCausal: Bool
    /// Keras subtracts this number from the score of each key that does not count.
    private static let maskedScore: Float = 1e9

    /// Creates an attention. Each parameter sets the property of the same name.
    ///
    /// - Throws: ``ModelError`` if a weight is not finite, or if a weight that is a scalar has another shape.
    package init(score: Score, scale: Tensor?, isCausal: Bool) throws(ModelError) {
        if case .concat(let weight) = score { try weight.check(shape: [], of: "concat_score_weight") }
        if let scale { try scale.check(shape: score == .additive ? scale.shape : [], of: "scale") }
        self.score = score
        self.scale = scale
        self.isCausal = isCausal
    }

    /// The weights in Keras' order.
    var weights: [Tensor] {
        if case .concat(let weight) = score { [scale, weight].compactMap(\.self) } else { [scale].compactMap(\.self) }
    }

    var architecture: String {
        let name =
            switch score {
            case .dot: "dot"
            case .concat: "concat"
            case .additive: "additive"
            }
        return "attention score=\(name) use_scale=\(scale != nil)" + (isCausal ? " causal" : "")
    }

    func units(of widths: [Int]) throws(ModelError) -> Int {
        guard (2...3).contains(widths.count), widths[0] == widths[widths.count - 1] || widths.count == 3,
            widths.last == widths[0], score != .additive || scale.map({ $0.shape == [widths[0]] }) ?? true
        else {
            throw ModelError(code: .shape, context: "an attention gets inputs of the widths \(widths)")
        }
        return widths[1]
    }

    /// Returns the number of timesteps of the output; nil if there are not as many keys as values.
    static func timesteps(of counts: [Int]) -> Int? {
        counts.last == counts[1] ? counts[0] : nil
    }

    /// The number of floats of working memory for `count` values.
    static func scratchSize(for count: Int) -> Int { Kernels.padded(count) }

    /// Computes the output at all timesteps of the query.
    ///
    /// - Parameters:
    ///   - inputs: The query, the values and possibly the keys.
    ///   - masks: Whether the query and the values have masks.
    ///   - y: Receives the output.
    ///   - scores: Working memory, shape (``scratchSize(for:)``).
    ///   - kernels: The kernels.
    func run(
        _ inputs: GraphInputs, masks: (query: Bool, values: Bool), into y: GraphValue,
        scratch scores: UnsafeMutablePointer<Float>, kernels: Kernels
    ) {
        let (query, values, keys) = (inputs[0], inputs[1], inputs[inputs.count - 1])
        for timestep in 0..<query.count {
            let output = unsafe y.row(timestep)
            unsafe output.update(repeating: 0, count: y.width)
            if masks.query && query.isMasked(timestep) { continue }
            for key in 0..<keys.count {
                unsafe scores[key] = score(query.row(timestep), keys.row(key), count: query.width)
                let isLater = isCausal && key > timestep
                if isLater || (masks.values && values.isMasked(key)) { unsafe scores[key] -= Self.maskedScore }
            }
            unsafe Activation.softmax.apply(scores, count: keys.count, kernels)
            for key in 0..<keys.count {
                let (weight, value) = unsafe (scores[key], values.row(key))
                for k in 0..<y.width { unsafe output[k] += weight * value[k] }
            }
        }
    }

    private func score(_ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, count: Int) -> Float {
        var sum: Float = 0
        switch score {
        case .dot:
            for index in 0..<count { unsafe sum += q[index] * k[index] }
            return sum * (scale?.values[0] ?? 1)
        case .concat(let weight):
            let scale = scale?.values[0] ?? 1
            for index in 0..<count { unsafe sum += Activation.tanh(scale * (q[index] + k[index])) }
            return sum * weight.values[0]
        case .additive:
            for index in 0..<count {
                unsafe sum += (scale?.values[index] ?? 1) * Activation.tanh(q[index] + k[index])
            }
            return sum
        }
    }
}
