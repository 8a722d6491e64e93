/// A table with a vector for each token: the first layer of a model that takes tokens. It keeps no state.
public struct Embedding: Equatable, Sendable {
    /// The largest vocabulary: up to 2²⁴, a token's number is exact as a 32-bit float.
    public static let largestVocabulary = 1 << 24

    /// How many tokens there are, with the numbers from 0.
    public let vocabulary: Int
    /// The width of a token's vector.
    public let units: Int
    /// Shape (vocabulary, units).
    public let embeddings: Tensor
    /// Whether timesteps with token 0 are masked.
    public let masksZero: Bool

    /// Creates a layer from its weights.
    ///
    /// - Parameters:
    ///   - vocabulary: Keras' `input_dim`, 1 to ``largestVocabulary``.
    ///   - units: Keras' `output_dim`, at least 1.
    ///   - embeddings: Shape (vocabulary, units).
    ///   - masksZero: Keras' `mask_zero`.
    /// - Throws: ``ModelError`` where the weights do not fit or are not finite, or there are too many tokens.
    public init(
        vocabulary: Int, units: Int, embeddings: Tensor, masksZero: Bool = false
    ) throws(ModelError) {
        try ModelError.check(units: units)
        guard (1...Self.largestVocabulary).contains(vocabulary) else {
            throw ModelError(
                code: .shape, context: "\(vocabulary) tokens; supported: 1 to \(Self.largestVocabulary)")
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
    package var weights: [Tensor] { [embeddings] }
    package var maskRule: MaskRule { masksZero ? .makes : .ends }
    package var architecture: String {
        "embedding vocabulary=\(vocabulary) units=\(units)" + (masksZero ? " mask_zero=true" : "")
    }

    package func step(in weights: inout WeightBuffer) -> LayerStep {
        unsafe LayerStep(.embedding(weights.place(Step(self, weights: &weights))), of: self)
    }

    /// The layer as the hot path sees it.
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

        /// The token's row (<https://keras.io/api/layers/core_layers/embedding/>), where it stands among the weights.
        ///
        /// A fraction is cut off, as Keras cuts it. Whoever takes tokens from outside checks their range first; what is
        /// no token of the vocabulary all the same, NaN too, gives the row of token 0.
        ///
        /// - Parameters:
        ///   - x: The token's number, shape (1).
        ///   - isMasked: Replaced: whether this is the token that masks.
        /// - Returns: The output, shape (units).
        func callAsFunction(x: UnsafePointer<Float>, isMasked: inout Bool) -> UnsafePointer<Float> {
            let token = unsafe x[0]
            isMasked = masksZero && token == 0
            let isKnown = token >= 0 && token < Float(vocabulary)
            return unsafe embeddings + (isKnown ? Int(token) : 0) * units
        }
    }
}
