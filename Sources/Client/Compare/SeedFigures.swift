/// One quantity of several trainings, one value for each seed.
package struct SeedFigures: Encodable, Equatable, Sendable {
    /// The value of each seed, in order.
    package let values: [Double]
    package let mean: Double
    /// The standard deviation of a sample; 0 for one value.
    package let deviation: Double

    /// Creates the figures of at least one value.
    init(_ values: [Double]) {
        self.values = values
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        self.mean = mean
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        deviation = values.count > 1 ? (squares / (count - 1)).squareRoot() : 0
    }
}
