/// A table with one vector for each token: the first layer of a model that takes tokens. The layer keeps no state.
package struct Embedding: Equatable, Sendable {
    /// The largest supported vocabulary. Every token number up to 2²⁴ is exact as a 32-bit float.
    package static let largestVocabulary = 1 << 24

    /// The number of tokens, which are numbered from 0.
    package let vocabulary: Int
    /// The width of a token's vector.
    package let units: Int
    /// Shape (vocabulary, units).
    package let embeddings: Tensor
    /// Whether the layer masks timesteps with token 0.
    package let masksZero: Bool

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - vocabulary: Keras' `input_dim`, 1 to ``largestVocabulary``.
    ///   - units: Keras' `output_dim`, at least 1.
    ///   - embeddings: Shape (vocabulary, units).
    ///   - masksZero: Keras' `mask_zero`.
    /// - Throws: ``ModelError`` if the weights do not fit or are not finite, or if the vocabulary is empty or too
    ///   large.
    package init(
        vocabulary: Int, units: Int, embeddings: Tensor, masksZero: Bool = false
    ) throws(ModelError) {
        try ModelError.check(units: units)
        guard (1...Self.largestVocabulary).contains(vocabulary) else {
            throw ModelError(
                code: .shape,
                context: "the vocabulary has \(vocabulary) tokens, expected 1 to \(Self.largestVocabulary)")
        }
        try embeddings.check(shape: [vocabulary, units], of: "embeddings")
        self.vocabulary = vocabulary
        self.units = units
        self.embeddings = embeddings
        self.masksZero = masksZero
    }
}

extension Embedding: TimestepLayer {
    package var features: Int { 1 }
    package var tokenCount: Int? { vocabulary }
    package var weights: [Tensor] { [embeddings] }
    package var maskRule: MaskRule { masksZero ? .generates : .discards }
    package var architecture: String {
        "embedding vocabulary=\(vocabulary) units=\(units)" + (masksZero ? " mask_zero=true" : "")
    }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.embedding(weights.place(Step(self, weights: &weights))), of: self)
    }

    /// The layer's step.
    @safe
    struct Step {
        let vocabulary: Int
        let units: Int
        let masksZero: Bool
        /// Shape (vocabulary, units).
        let embeddings: UnsafePointer<Float>

        init(_ layer: Embedding, weights: inout WeightBuffer) {
            vocabulary = layer.vocabulary
            units = layer.units
            masksZero = layer.masksZero
            unsafe embeddings = weights.append(layer.embeddings.values)
        }

        /// Finds the token's row among the weights (<https://keras.io/api/layers/core_layers/embedding/>).
        ///
        /// The caller validates tokens from external input. A fractional number is truncated, as in Keras. A number
        /// outside the vocabulary, or a NaN, is safe: it selects the row of token 0.
        ///
        /// - Parameters:
        ///   - x: The token as a number, shape (1).
        ///   - isMasked: Receives whether the token masks the timestep.
        /// - Returns: The output, shape (units).
        func callAsFunction(x: UnsafePointer<Float>, isMasked: inout Bool) -> UnsafePointer<Float> {
            let token = unsafe x[0]
            isMasked = masksZero && token == 0
            let isKnown = token >= 0 && token < Float(vocabulary)
            return unsafe embeddings + (isKnown ? Int(token) : 0) * units
        }
    }
}
