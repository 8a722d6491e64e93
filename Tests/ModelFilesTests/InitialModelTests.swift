import Foundation
import ModelFiles
import Recurrent
import TestSupport
import Testing

/// Tests new models. `tools/check/keras-files` compares them with models that Keras creates.
@Suite struct `A new model` {
    private static func document(
        _ pattern: ModelPattern, seed: UInt64 = 1, _ change: (inout PatternSizes) -> Void = { _ in }
    ) throws -> ModelDocument {
        var sizes = PatternSizes()
        change(&sizes)
        return try ModelDocument.initial(InitialModel(pattern, sizes), seed: seed, source: "new")
    }

    @Test func `the five patterns have the same layers and numbers of weights as in Keras`() throws {
        let expected: [(ModelPattern, [String], Int, Bool)] = [
            (.sequence, ["LSTM", "Dense"], 491, false), (.stateful, ["LSTM", "Dense"], 491, true),
            (.denseFirst, ["TimeDistributed", "LSTM", "Dense"], 1459, false),
            (.tokens, ["Embedding", "LSTM", "Dense"], 6211, false),
            (.tokensBothWays, ["Embedding", "Bidirectional", "Dense"], 11781, false),
        ]
        for (pattern, kinds, parameters, isStateful) in expected {
            let file = try Self.document(pattern) { $0.vocabulary = 5 }.file
            #expect(file.layers.map(\.kind) == kinds)
            #expect(file.model.parameters == parameters)
            #expect(file.isStateful == isStateful)
            #expect(file.sequenceLength == (isStateful ? 1 : nil))
            #expect(file.outputMeaning == .probability)
            #expect(file.loss == CompiledLoss(name: "binary_crossentropy"))
        }
    }

    @Test func `units, cells, features and length are as chosen`() throws {
        let document = try Self.document(.denseFirst) {
            $0.units = [6, 5, 4]
            $0.cell = .gru
            $0.features = 3
            $0.length = 24
        }
        #expect(document.file.layers.map(\.name) == ["time_distributed", "gru", "gru_1", "gru_2", "dense_1"])
        #expect(document.file.layers.map(\.outputShape).last == "(None, 1)")
        #expect(document.file.layers[2].outputShape == "(None, 24, 5)")
        #expect(document.file.model.features == 3)
        #expect(document.file.sequenceLength == 24)
        #expect(document.weightNames.flatMap(\.self).contains("gru_2/recurrent_kernel"))
    }

    @Test func `equal seeds give equal files, and other seeds give other weights`() throws {
        let folder = try TemporaryFolder()
        for (name, seed) in [("a", 7), ("b", 7), ("c", 8)] as [(String, UInt64)] {
            for ending in ["keras", "safetensors"] {
                try Self.document(.sequence, seed: seed).write(to: folder.path("\(name).\(ending)"), replacing: false)
            }
        }
        for ending in ["keras", "safetensors"] {
            let same = FileManager.default.contentsEqual(
                atPath: folder.path("a.\(ending)"), andPath: folder.path("b.\(ending)"))
            #expect(same)
        }
        let fingerprints = try ["a.keras", "a.safetensors", "c.keras"].map {
            try ModelFile.read(folder.path($0)).fingerprint
        }
        #expect(fingerprints[0] == fingerprints[1])
        #expect(fingerprints[0] != fingerprints[2])
        // The numbers must be the same on every machine and in every version.
        #expect(fingerprints[0].hasPrefix("b365a0a3c9db942c"))
    }

    @Test func `the optimizer of a new model has its initial state`() throws {
        let folder = try TemporaryFolder()
        try Self.document(.tokensBothWays) { $0.vocabulary = 3 }.write(to: folder.path("new.keras"), replacing: false)
        let read = try ModelDocument.read(folder.path("new.keras"))
        let optimizer = try #require(read.optimizer)
        #expect(optimizer.updates == 0 && optimizer.learningRate == 0.001)
        let shapes = read.file.model.layers.flatMap { $0.weights.map(\.shape) }
        let slots = try #require(optimizer.slots(2, ofShapes: shapes))
        #expect(slots.flatMap(\.self).flatMap(\.values).allSatisfy { $0 == 0 })
        #expect(read.compilation?.optimizer == "Adam")
        #expect(read.compilation?.learningRate == .constant(0.001))
        #expect(read.compilation?.metrics == ["accuracy"])
    }

    /// Returns whether the values of a tensor lie within a limit, come close to the limit, and have a mean near 0.
    private static func isUniform(_ tensor: Tensor, within limit: Float) -> Bool {
        let mean = tensor.values.reduce(0, +) / Float(tensor.values.count)
        // The tolerance is six times the standard deviation of the mean.
        let tolerance = 6 * limit / Float(3 * tensor.values.count).squareRoot()
        let largest = tensor.values.map(abs).max() ?? 0
        return largest <= limit && largest > 0.95 * limit && abs(mean) < tolerance
    }

    @Test func `kernels are Glorot uniform, embeddings within 0.05, and biases zero`() throws {
        let lstm = try Self.document(.tokens) {
            $0.units = [32]
            $0.vocabulary = 50
        }.file.model.layers
        #expect(Self.isUniform(lstm[0].weights[0], within: 0.05))
        #expect(Self.isUniform(lstm[1].weights[0], within: Float(6.0 / (128 + 128)).squareRoot()))
        #expect(Self.isUniform(lstm[2].weights[0], within: Float(6.0 / (32 + 1)).squareRoot()))
        // The gate order is i, f, c, o. The forget gate starts open.
        let gates = stride(from: 0, to: 128, by: 32).map { lstm[1].weights[2].values[$0..<($0 + 32)] }
        #expect(gates.map { Set($0) } == [[0], [1], [0], [0]])
        #expect(lstm[2].weights[1].values == [0])
        let gru = try Self.document(.sequence) { $0.cell = .gru }.file.model.layers
        #expect(gru[0].weights[2].shape == [2, 30])
        #expect(gru[0].weights[2].values.allSatisfy { $0 == 0 })
    }

    @Test(arguments: [PatternSizes.Cell.lstm, .gru, .rnn])
    func `recurrent kernels are orthogonal within 1e-6`(cell: PatternSizes.Cell) throws {
        let layers = try Self.document(.sequence) {
            $0.cell = cell
            $0.units = [24]
        }.file.model.layers
        let kernel = layers[0].weights[1]
        let rows = (0..<24).map { row in
            kernel.values[row * kernel.shape[1]..<(row + 1) * kernel.shape[1]].map(Double.init)
        }
        for (i, one) in rows.enumerated() {
            for (j, other) in rows.enumerated() {
                let product = zip(one, other).reduce(0) { $0 + $1.0 * $1.1 }
                #expect(abs(product - (i == j ? 1 : 0)) < 1e-6)
            }
        }
    }

    // MARK: - Files of layers

    private static func document(layers: String) throws -> ModelDocument {
        let folder = try TemporaryFolder()
        let path = try folder.write(layers, to: "model.yaml")
        return try ModelDocument.initial(LayersFile.read(path), seed: 1, source: path)
    }

    @Test func `a file of layers describes a model in Keras' words`() throws {
        let document = try Self.document(
            layers: """
                - Input: {shape: [24, 3]}
                - Masking: {mask_value: -1}
                - LayerNormalization
                - Bidirectional: {layer: {LSTM: {units: 8, return_sequences: true}}, merge_mode: sum}
                - Dropout: {rate: 0.2}
                - GRU: {units: 4, reset_after: false, use_bias: false, name: last}
                - Dense: {units: 3, activation: softmax}
                """)
        #expect(
            document.file.layers.map(\.name)
                == ["masking", "layer_normalization", "bidirectional", "dropout", "last", "dense"])
        #expect(document.file.layers.map(\.outputShape)[2] == "(None, 24, 8)")
        #expect(document.file.loss?.name == "sparse_categorical_crossentropy")
        #expect(document.weightNames.flatMap(\.self).contains("bidirectional/backward/kernel"))
        #expect(!document.weightNames.flatMap(\.self).contains("last/bias"))
        let stateful = try Self.document(
            layers: "- Input: {batch_shape: [1, 1, 2]}\n- LSTM: {units: 3, stateful: true}\n- Dense: {units: 1}\n")
        #expect(stateful.file.isStateful)
        #expect(stateful.file.loss?.name == "mean_squared_error")
    }

    @Test(arguments: [
        ("", "is not a list of layers"),
        ("- Input: {shape: [null, 1]}\n", "has no layer after the Input"),
        ("- LSTM: {units: 3}\n", "line 1: the first entry must be the Input with its shape"),
        ("- Input: {shape: [null, 0]}\n- LSTM: {units: 3}\n", "line 1: the lengths in a shape"),
        (
            "- Input: {shape: [null, 1]}\n- LSTM: {unit: 3}\n",
            "line 2: LSTM has no option 'unit' here; supported: units,"
        ),
        (
            "- Input: {shape: [null, 1]}\n- LSTM: {units: ten}\n",
            "line 2: 'units' of LSTM has a value of the wrong kind"
        ),
        ("- Input: {shape: [null, 1]}\n- LSTM: {}\n", "line 2: LSTM needs the option 'units'"),
        ("- Input: {shape: [null, 1]}\n\n- Conv1D: {filters: 3}\n", "line 3: the layer 'Conv1D' is not supported"),
        (
            "- Input: {shape: [null, 1]}\n- LSTM: {units: 3}\n- LSTM: {units: 3}\n",
            "line 3: layer 'lstm_1' (LSTM): needs"
        ),
        (
            "- Input: {shape: [null, 1]}\n- LSTM: {units: 3, activation: swash}\n",
            "line 2: layer 'lstm' (LSTM): activation='swash' is not supported"
        ),
        ("- Input: {shape: [null, null]}\n- LSTM: {units: 3}\n", "a new weight of the shape [0, 12]"),
        ("- Input: [\n", "line 2, column 1"),
    ])
    func `the error about a mistake in a file of layers names the line`(layers: String, message: String) throws {
        let error = try #require(throws: ModelFileError.self) { try Self.document(layers: layers) }
        #expect(error.context.contains(message), "\(error.context)")
        #expect(error.path.hasSuffix("model.yaml"))
    }
}
