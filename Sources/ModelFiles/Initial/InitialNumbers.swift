import Glibc
import Recurrent

/// Keras' default initializers (<https://keras.io/api/layers/initializers/>). Equal seeds give equal numbers.
struct InitialNumbers {
    /// The maximum number of values in one weight.
    private static let maximumValues = 1 << 24

    private var generator: SplitMix64
    /// The second number of the last pair of normal numbers; nil once it is used.
    private var spareNormal: Double?

    init(seed: UInt64) {
        generator = SplitMix64(seed: seed)
    }

    /// Returns a matrix of uniform random numbers within ± √(6 / (rows + columns)): `glorot_uniform`.
    mutating func glorotUniform(rows: Int, columns: Int) throws(ModelError) -> Tensor {
        try Self.check([rows, columns])
        return try uniform(shape: [rows, columns], within: (6 / Double(rows + columns)).squareRoot())
    }

    /// Returns uniform random numbers within ± `limit`: `uniform`. An Embedding uses the limit 0.05.
    mutating func uniform(shape: [Int], within limit: Double) throws(ModelError) -> Tensor {
        try Self.check(shape)
        var values: [Float] = []
        for _ in 0..<shape.reduce(1, *) { values.append(Float((2 * unit() - 1) * limit)) }
        return try Tensor(shape: shape, values: values)
    }

    /// Returns a random orthogonal matrix: `orthogonal`. The rows are orthonormal if there are fewer rows than columns;
    /// otherwise the columns are.
    ///
    /// The matrix is the Q of the QR decomposition of a matrix of normal random numbers, where R has a positive
    /// diagonal. Orthogonalizing the vectors one by one (Gram-Schmidt) yields exactly this Q.
    mutating func orthogonal(rows: Int, columns: Int) throws(ModelError) -> Tensor {
        try Self.check([rows, columns])
        let (count, length) = (min(rows, columns), max(rows, columns))
        var vectors: [[Double]] = []
        while vectors.count < count {
            var vector = (0..<length).map { _ in normal() }
            // The second pass removes the rounding errors of the first one.
            for _ in 0..<2 {
                for other in vectors {
                    let projection = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
                    for index in vector.indices { vector[index] -= projection * other[index] }
                }
                let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
                for index in vector.indices { vector[index] /= norm }
            }
            vectors.append(vector)
        }
        let values = (0..<rows).flatMap { row in
            (0..<columns).map { column in
                Float(rows < columns ? vectors[row][column] : vectors[column][row])
            }
        }
        return try Tensor(shape: [rows, columns], values: values)
    }

    /// Returns a tensor filled with one value: `zeros` or `ones`.
    static func constant(_ value: Float, shape: [Int]) throws(ModelError) -> Tensor {
        try check(shape)
        return try Tensor(shape: shape, values: Array(repeating: value, count: shape.reduce(1, *)))
    }

    private static func check(_ shape: [Int]) throws(ModelError) {
        var room = maximumValues
        for length in shape {
            guard (1...max(1, room)).contains(length) else {
                throw ModelError(
                    code: .shape,
                    context: "a new weight of the shape \(shape) is not supported; supported: 1 to \(maximumValues) "
                        + "values; if a length is 0, give the number of features in the Input's shape")
            }
            room /= length
        }
    }

    /// Returns a uniform random number in [0, 1).
    private mutating func unit() -> Double { Double(generator.next() >> 11) * 0x1p-53 }

    /// Returns a standard normal random number, drawn with G. Marsaglia's polar method.
    private mutating func normal() -> Double {
        if let spare = spareNormal {
            spareNormal = nil
            return spare
        }
        while true {
            let (x, y) = (2 * unit() - 1, 2 * unit() - 1)
            let square = x * x + y * y
            guard square > 0, square < 1 else { continue }
            let factor = (-2 * log(square) / square).squareRoot()
            spareNormal = y * factor
            return x * factor
        }
    }
}
