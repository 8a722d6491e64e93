import Glibc

/// A floating-point type for the reference steps: `Float`, or `Double` to measure the kernels' rounding errors.
package protocol ReferenceScalar: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    /// Returns eˣ.
    static func exp(_ x: Self) -> Self
    /// Returns the hyperbolic tangent of x.
    static func tanh(_ x: Self) -> Self
    /// Returns the natural logarithm of x.
    static func log(_ x: Self) -> Self
    /// Returns the error function of x.
    static func erf(_ x: Self) -> Self
    /// Returns σ(x) = 1 / (1 + e⁻ˣ).
    static func sigmoid(_ x: Self) -> Self
}

extension ReferenceScalar {
    @inlinable package static func sigmoid(_ x: Self) -> Self { 1 / (1 + exp(-x)) }
}

extension Float: ReferenceScalar {
    package static func exp(_ x: Float) -> Float { expf(x) }
    package static func tanh(_ x: Float) -> Float { tanhf(x) }
    package static func log(_ x: Float) -> Float { logf(x) }
    package static func erf(_ x: Float) -> Float { erff(x) }
}

extension Double: ReferenceScalar {
    package static func exp(_ x: Double) -> Double { Glibc.exp(x) }
    package static func tanh(_ x: Double) -> Double { Glibc.tanh(x) }
    package static func log(_ x: Double) -> Double { Glibc.log(x) }
    package static func erf(_ x: Double) -> Double { Glibc.erf(x) }
}

/// A matrix in the reference equations, shape (rows, columns), row-major.
package struct ReferenceMatrix<Scalar: ReferenceScalar>: Equatable, Sendable {
    package let rows: Int
    package let columns: Int
    package var values: [Scalar]

    /// Converts a weight with two axes.
    package init(_ tensor: Tensor) {
        precondition(tensor.shape.count == 2)
        rows = tensor.shape[0]
        columns = tensor.shape[1]
        values = tensor.values.map { Scalar($0) }
    }

    /// Adds x·W to y.
    ///
    /// - Parameters:
    ///   - x: Shape (rows).
    ///   - y: Shape (columns).
    package func addProduct(_ x: [Scalar], to y: inout [Scalar]) {
        precondition(x.count == rows && y.count == columns)
        for row in 0..<rows {
            for column in 0..<columns { y[column] += x[row] * values[row * columns + column] }
        }
    }
}
