import Recurrent
import Testing

/// What is refused when a model is built, so that a step need not look.
struct ShapeTests {
    /// A way to build something wrong, and the code with which it is refused.
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
        Case("no layers", .empty) { _ = try Model(layers: []) },
        Case("a layer that does not take what the one before gives", .shape) {
            _ = try Model(layers: [.dense(dense(kernel: [3, 1])), .lstm(lstm(kernel: [2, 8]))])
        },
    ]

    @Test(arguments: cases)
    func `a model that does not fit is refused in one line`(_ wrong: Case) throws {
        let error = try #require(throws: ModelError.self) { try wrong.build() }
        #expect(error.code == wrong.code)
        #expect(!error.description.contains(where: \.isNewline))
    }

    @Test func `what fits is taken`() throws {
        let model = try Model(layers: [.lstm(Self.lstm()), .dense(Self.dense(kernel: [2, 1]))])
        #expect(model.features == 3)
        #expect(model.outputs == 1)
    }

    private static func lstm(
        units: Int = 2, kernel: [Int] = [3, 8], recurrentKernel: [Int] = [2, 8], bias: [Int] = [8], value: Float = 0
    ) throws -> LSTM {
        try LSTM(
            units: units, kernel: tensor(kernel, value), recurrentKernel: tensor(recurrentKernel, value),
            bias: tensor(bias, value))
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
