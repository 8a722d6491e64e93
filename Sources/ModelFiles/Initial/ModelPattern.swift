import Wire

/// Common Keras classifiers for sequences.
package enum ModelPattern: String, CaseIterable, Sendable {
    /// LSTM → Dense.
    case sequence
    /// LSTM with `stateful=True` → Dense.
    case stateful
    /// TimeDistributed(Dense) → LSTM → Dense.
    case denseFirst = "dense-first"
    /// Embedding → LSTM → Dense.
    case tokens
    /// Embedding → Bidirectional(LSTM) → Dense.
    case tokensBothWays = "tokens-both-ways"

    /// The pattern's numbered name, `model1` to `model5`.
    package var number: String { "model\((Self.allCases.firstIndex(of: self) ?? 0) + 1)" }

    /// Whether a timestep is a token rather than a vector of features.
    package var takesTokens: Bool { self == .tokens || self == .tokensBothWays }

    /// Finds a pattern by its name or its numbered name.
    package init?(name: String) {
        guard let pattern = Self.allCases.first(where: { $0.rawValue == name || $0.number == name }) else { return nil }
        self = pattern
    }
}

/// The sizes of a new model that follows a pattern.
package struct PatternSizes: Sendable {
    /// A kind of recurrent layer.
    package enum Cell: String, CaseIterable, Sendable {
        case lstm, gru, rnn

        var className: String {
            switch self {
            case .lstm: "LSTM"
            case .gru: "GRU"
            case .rnn: "SimpleRNN"
            }
        }
    }

    /// The number of units in each recurrent layer, from first to last.
    package var units = [10]
    /// The kind of the recurrent layers.
    package var cell = Cell.lstm
    /// The number of features per timestep, unless timesteps are tokens.
    package var features = 1
    /// The number of different tokens, if timesteps are tokens.
    package var vocabulary = 2
    /// The number of timesteps per call. Nil means any number, or 1 for a stateful model.
    package var length: Int?

    /// Creates the default sizes.
    package init() {}
}

extension InitialModel {
    /// The number of units in the Dense before the recurrent layers, and in an Embedding.
    private static let (mixedUnits, embeddingUnits) = (24, 128)

    /// Describes a model that follows a pattern and outputs one probability.
    package init(_ pattern: ModelPattern, _ sizes: PatternSizes) {
        var layers: [InitialLayer] = []
        switch pattern {
        case .sequence, .stateful: break
        case .denseFirst:
            let dense = InitialLayer(className: "Dense", options: ["units": .integer(Int64(Self.mixedUnits))])
            layers.append(InitialLayer(className: "TimeDistributed", inner: [dense]))
        case .tokens, .tokensBothWays:
            layers.append(
                InitialLayer(
                    className: "Embedding",
                    options: [
                        "input_dim": .integer(Int64(sizes.vocabulary)),
                        "output_dim": .integer(Int64(Self.embeddingUnits)),
                    ]))
        }
        for (index, units) in sizes.units.enumerated() {
            let recurrent = InitialLayer(
                className: sizes.cell.className,
                options: [
                    "units": .integer(Int64(units)), "return_sequences": .bool(index < sizes.units.count - 1),
                    "stateful": .bool(pattern == .stateful),
                ])
            layers.append(
                pattern == .tokensBothWays ? InitialLayer(className: "Bidirectional", inner: [recurrent]) : recurrent)
        }
        layers.append(
            InitialLayer(className: "Dense", options: ["units": .integer(1), "activation": .string("sigmoid")]))
        let batch: Int? = pattern == .stateful ? 1 : nil
        let length = sizes.length ?? (pattern == .stateful ? 1 : nil)
        self.init(
            inputShape: [batch, length] + (pattern.takesTokens ? [] : [sizes.features]), layers: layers)
    }
}
