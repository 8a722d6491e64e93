/// One quantity over several training runs, with one value for each seed.
package struct SeedFigures: Encodable, Equatable, Sendable {
    /// The values, in seed order.
    package let values: [Double]
    package let mean: Double
    /// The sample standard deviation; 0 for a single value.
    package let deviation: Double

    /// Creates the figures from at least one value.
    init(_ values: [Double]) {
        self.values = values
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        self.mean = mean
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        deviation = values.count > 1 ? (squares / (count - 1)).squareRoot() : 0
    }
}
