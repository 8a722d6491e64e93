/// A dense array of 32-bit floats with its shape, in row-major (C) order: the form in which weights come and go.
public struct Tensor: Equatable, Sendable {
    /// The length of each axis, outermost first. An empty shape is a scalar.
    public let shape: [Int]

    /// The elements in row-major order; as many as the product of ``shape``.
    public let values: [Float]

    /// Creates a tensor.
    ///
    /// - Parameters:
    ///   - shape: The length of each axis, outermost first.
    ///   - values: The elements in row-major order.
    /// - Throws: ``ModelError`` with the code `shape` where the two do not agree.
    public init(shape: [Int], values: [Float]) throws(ModelError) {
        var count = 1
        for length in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard length >= 0, !overflow else {
                throw ModelError(code: .shape, context: "the shape \(shape) is not one of a tensor")
            }
            count = product
        }
        guard count == values.count else {
            throw ModelError(code: .shape, context: "\(values.count) values do not fill the shape \(shape)")
        }
        self.shape = shape
        self.values = values
    }

    /// Checks the shape and the values of a weight when a layer is built, so that a step need not.
    ///
    /// - Throws: ``ModelError``: `shape` where the shape is another, `notFinite` where a value is NaN or infinite.
    func check(shape expected: [Int], of weight: String) throws(ModelError) {
        guard shape == expected else {
            throw ModelError(code: .shape, context: "\(weight) has the shape \(shape), expected \(expected)")
        }
        guard values.allSatisfy(\.isFinite) else {
            throw ModelError(code: .notFinite, context: "\(weight) holds a NaN or an infinity")
        }
    }
}
