/// A dense array of 32-bit floats with its shape, in row-major (C) order: the form in which model files hold weights.
package struct Tensor: Equatable, Sendable {
    /// The length of each axis, outermost first. An empty shape is a scalar.
    package let shape: [Int]

    /// The elements in row-major order. The product of ``shape`` is the number of elements.
    package let values: [Float]

    /// Creates a tensor.
    ///
    /// - Parameters:
    ///   - shape: The length of each axis, outermost first.
    ///   - values: The elements in row-major order.
    /// - Throws: ``ModelError`` with the code `shape` if the number of values is not the product of the shape.
    package init(shape: [Int], values: [Float]) throws(ModelError) {
        var count = 1
        for length in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard length >= 0, !overflow else {
                throw ModelError(code: .shape, context: "the shape \(shape) has a negative length or too many values")
            }
            count = product
        }
        guard count == values.count else {
            throw ModelError(code: .shape, context: "\(values.count) values do not fill the shape \(shape)")
        }
        self.shape = shape
        self.values = values
    }

    /// A tensor of the same shape whose values are 0.
    package var zeros: Tensor { Tensor(checkedShape: shape, values: Array(repeating: 0, count: values.count)) }

    /// Creates a tensor whose number of values is known to be the product of the shape.
    private init(checkedShape: [Int], values: [Float]) {
        shape = checkedShape
        self.values = values
    }

    /// Checks the shape and the values of a weight when a layer is built, so that no step has to.
    ///
    /// - Throws: ``ModelError`` with the code `shape` if the shape is not the expected one, or `notFinite` if a value
    ///   is NaN or infinite.
    func check(shape expected: [Int], of weight: String) throws(ModelError) {
        guard shape == expected else {
            throw ModelError(code: .shape, context: "\(weight) has the shape \(shape), expected \(expected)")
        }
        guard values.allSatisfy(\.isFinite) else {
            throw ModelError(code: .notFinite, context: "\(weight) holds a NaN or an infinity")
        }
    }

    /// Checks the input weights of a layer. Their first axis defines the width of the layer's input.
    ///
    /// - Parameters:
    ///   - units: The width of the layer's output.
    ///   - gates: The number of gates side by side, each `units` wide.
    /// - Throws: ``ModelError`` with the code `shape` if the shape is not (features, gates · units) or `features` or
    ///   `units` is less than 1. The code is `notFinite` if a value is NaN or infinite.
    func checkKernel(units: Int, gates: Int = 1) throws(ModelError) {
        guard units >= 1, shape.count == 2, let features = shape.first, features >= 1 else {
            let width = gates == 1 ? "units" : "\(gates) · units"
            throw ModelError(
                code: .shape, context: "kernel of \(units) units has the shape \(shape), expected (features, \(width))")
        }
        try check(shape: [features, gates * units], of: "kernel")
    }
}
