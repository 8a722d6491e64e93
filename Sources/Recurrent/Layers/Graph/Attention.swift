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
    /// The maximum number of multiply-adds for one sequence, which take about a second. The number grows with the square
    /// of the number of timesteps, so a long sequence could otherwise occupy a core for hours.
    private static let maximumWork = 1 << 30
    /// The number of multiply-adds that take as long as one tanh.
    private static let tanhWork = 16

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

    /// Checks the time that the attention takes.
    ///
    /// - Parameters:
    ///   - counts: The number of timesteps of each input.
    ///   - widths: The width of each input.
    /// - Returns: Whether the attention takes at most about a second.
    func isQuick(_ counts: [Int], widths: [Int]) -> Bool {
        let work = widths[0] * (score == .dot ? 1 : Self.tanhWork) + widths[1]
        return counts[0] <= Self.maximumWork / work / counts[1]
    }

    /// Returns the size of the working memory for the scores of the keys and then the keys' columns.
    ///
    /// - Parameters:
    ///   - count: The number of keys.
    ///   - width: The width of a key.
    /// - Returns: The number of floats.
    static func scratchSize(for count: Int, width: Int) -> Int { Kernels.padded(count) * (1 + width) }

    /// Computes the output at all timesteps of the query.
    ///
    /// - Parameters:
    ///   - inputs: The query, the values and possibly the keys.
    ///   - masks: Whether the query and the values have masks.
    ///   - y: Receives the output.
    ///   - scores: Working memory, shape (``scratchSize(for:width:)``).
    ///   - kernels: The kernels.
    func run(
        _ inputs: GraphInputs, masks: (query: Bool, values: Bool), into y: GraphValue,
        scratch scores: UnsafeMutablePointer<Float>, kernels: Kernels
    ) {
        let (query, values, keys) = (inputs[0], inputs[1], inputs[inputs.count - 1])
        let columns = unsafe scores + Kernels.padded(keys.count)
        unsafe transpose(keys, into: columns)
        for timestep in 0..<query.count {
            let output = unsafe y.row(timestep)
            unsafe output.update(repeating: 0, count: y.width)
            if masks.query && query.isMasked(timestep) { continue }
            unsafe score(query.row(timestep), columns, width: keys.width, count: keys.count, into: scores)
            for key in 0..<keys.count {
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

    /// Copies the keys column by column, each padded.
    private func transpose(_ keys: GraphValue, into columns: UnsafeMutablePointer<Float>) {
        let stride = Kernels.padded(keys.count)
        for key in 0..<keys.count {
            let row = unsafe keys.row(key)
            for index in 0..<keys.width { unsafe columns[index * stride + key] = row[index] }
        }
    }

    /// Computes the scores of all keys together. One key after another, each addition would wait for the one before.
    private func score(
        _ q: UnsafePointer<Float>, _ columns: UnsafePointer<Float>, width: Int, count: Int,
        into scores: UnsafeMutablePointer<Float>
    ) {
        let stride = Kernels.padded(count)
        let scalar = scale?.values[0] ?? 1
        unsafe scores.update(repeating: 0, count: count)
        for index in 0..<width {
            let (x, column) = unsafe (q[index], columns + index * stride)
            switch score {
            case .dot:
                for key in 0..<count { unsafe scores[key] += x * column[key] }
            case .concat:
                for key in 0..<count { unsafe scores[key] += Activation.tanh(scalar * (x + column[key])) }
            case .additive:
                let factor = scale?.values[index] ?? 1
                for key in 0..<count { unsafe scores[key] += factor * Activation.tanh(x + column[key]) }
            }
        }
        let factor: Float =
            switch score {
            case .dot: scalar
            case .concat(let weight): weight.values[0]
            case .additive: 1
            }
        for key in 0..<count { unsafe scores[key] *= factor }
    }
}
