import Recurrent
import Testing

/// Tests the checks that run when a model is built. They make checks in each step unnecessary.
@Suite struct `The construction of a model` {
    /// An invalid construction, and the error code that it must produce.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let code: ModelError.Code
        let build: @Sendable () throws -> Void

        init(_ description: String, _ code: ModelError.Code, build: @escaping @Sendable () throws -> Void) {
            testDescription = description
            self.code = code
            self.build = build
        }
    }

    static let cases = [
        Case("too few values for a shape", .shape) { _ = try Tensor(shape: [2, 3], values: [1, 2, 3]) },
        Case("a negative length", .shape) { _ = try Tensor(shape: [-1], values: []) },
        Case("a shape beyond the integers", .shape) { _ = try Tensor(shape: [.max, 2], values: []) },
        Case("an LSTM's kernel of one axis", .shape) { _ = try lstm(kernel: [8]) },
        Case("an LSTM's kernel of too few gates", .shape) { _ = try lstm(kernel: [3, 6]) },
        Case("an LSTM without features", .shape) { _ = try lstm(kernel: [0, 8]) },
        Case("an LSTM without units", .shape) { _ = try lstm(units: 0) },
        Case("a recurrent kernel of other units", .shape) { _ = try lstm(recurrentKernel: [3, 8]) },
        Case("an LSTM's bias of one gate", .shape) { _ = try lstm(bias: [2]) },
        Case("an LSTM with a NaN", .notFinite) { _ = try lstm(value: .nan) },
        Case("a Dense's kernel of other units", .shape) { _ = try dense(kernel: [3, 2]) },
        Case("a Dense's kernel of one axis", .shape) { _ = try dense(kernel: [1]) },
        Case("a Dense without units", .shape) { _ = try dense(units: 0) },
        Case("a Dense's bias of other units", .shape) { _ = try dense(bias: [2]) },
        Case("a Dense with an infinity", .notFinite) { _ = try dense(value: .infinity) },
        Case("an LSTM with a softmax in its cell", .shape) { _ = try lstm(recurrentActivation: .softmax) },
        Case("a GRU's kernel of too few gates", .shape) { _ = try gru(kernel: [3, 8]) },
        Case("a GRU's bias of another form", .shape) { _ = try gru(bias: [6]) },
        Case("a GRU's bias of both weights where it has one", .shape) { _ = try gru(resetsAfter: false) },
        Case("a GRU with a NaN", .notFinite) { _ = try gru(value: .nan) },
        Case("a SimpleRNN's recurrent kernel of other units", .shape) {
            _ = try SimpleRNN(units: 2, kernel: tensor([3, 2], 0), recurrentKernel: tensor([3, 2], 0), bias: nil)
        },
        Case("an embedding of another vocabulary", .shape) {
            _ = try Embedding(vocabulary: 4, units: 2, embeddings: tensor([5, 2], 0))
        },
        Case("an embedding of more tokens than a float can count", .shape) {
            _ = try Embedding(vocabulary: 1 << 24 + 1, units: 1, embeddings: tensor([1, 1], 0))
        },
        Case("an embedding after another layer", .shape) {
            let embedding = try Embedding(vocabulary: 4, units: 2, embeddings: tensor([4, 2], 0))
            _ = try Model(layers: [dense(), embedding])
        },
        Case("an activation without units", .shape) { _ = try ActivationLayer(units: 0, activation: .softmax) },
        Case("a rectifier without a number for a slope", .notFinite) {
            _ = try Rectifier(units: 1, negativeSlope: .nan)
        },
        Case("an exponential unit without a number", .notFinite) { _ = try ExponentialUnit(units: 1, alpha: .nan) },
        Case("an offset of another width than the scale", .shape) {
            _ = try Rescaling(scale: tensor([3], 1), offset: tensor([2], 1))
        },
        Case("a layer normalisation of another width", .shape) {
            _ = try LayerNormalization(units: 3, epsilon: 1e-3, gamma: tensor([2], 1), beta: nil)
        },
        Case("a batch normalisation of another width", .shape) { _ = try batchNormalization(beta: [2]) },
        Case("a batch normalisation of a negative variance", .notFinite) { _ = try batchNormalization(variance: -1) },
        Case("a normalisation of a negative variance", .notFinite) {
            _ = try Normalization(mean: tensor([3], 0), variance: tensor([3], -1))
        },
        Case("no layers", .empty) { _ = try Model(layers: []) },
        Case("a layer that does not take what the one before gives", .shape) {
            _ = try Model(layers: [dense(kernel: [3, 1]), lstm(kernel: [2, 8])])
        },
    ]

    @Test(arguments: cases)
    func `an invalid model is rejected with an error of one line`(_ wrong: Case) throws {
        let error = try #require(throws: ModelError.self) { try wrong.build() }
        #expect(error.code == wrong.code)
        #expect(!error.description.contains { $0.isNewline })
    }

    @Test func `a model of matching layers has the widths of its first and last layer`() throws {
        let model = try Model(layers: [Self.lstm(), Self.dense(kernel: [2, 1])])
        #expect(model.features == 3)
        #expect(model.outputs == 1)
    }

    private static func lstm(
        units: Int = 2, kernel: [Int] = [3, 8], recurrentKernel: [Int] = [2, 8], bias: [Int] = [8], value: Float = 0,
        recurrentActivation: Activation = .sigmoid
    ) throws -> LSTM {
        try LSTM(
            units: units, recurrentActivation: recurrentActivation, kernel: tensor(kernel, value),
            recurrentKernel: tensor(recurrentKernel, value),
            bias: tensor(bias, value))
    }

    private static func gru(
        kernel: [Int] = [3, 6], bias: [Int] = [2, 6], resetsAfter: Bool = true, value: Float = 0
    ) throws -> GRU {
        try GRU(
            units: 2, resetsAfter: resetsAfter, kernel: tensor(kernel, value), recurrentKernel: tensor([2, 6], value),
            bias: tensor(bias, value))
    }

    private static func batchNormalization(beta: [Int] = [3], variance: Float = 1) throws -> BatchNormalization {
        try BatchNormalization(
            epsilon: 1e-3, gamma: nil, beta: tensor(beta, 0), movingMean: tensor([3], 0),
            movingVariance: tensor([3], variance))
    }

    private static func dense(
        units: Int = 1, kernel: [Int] = [3, 1], bias: [Int] = [1], value: Float = 0
    ) throws -> Dense {
        try Dense(units: units, activation: .linear, kernel: tensor(kernel, value), bias: tensor(bias, value))
    }

    private static func tensor(_ shape: [Int], _ value: Float) throws -> Tensor {
        try Tensor(shape: shape, values: Array(repeating: value, count: shape.reduce(1, *)))
    }
}
