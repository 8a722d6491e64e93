/// Keras' Dot (<https://keras.io/api/layers/merging_layers/dot/>): the products of two values, summed over one axis of
/// each. The other axis of each value becomes an axis of the output.
package struct Dot: BitwiseCopyable, Equatable, Sendable {
    /// One of the two inputs.
    package struct Side: BitwiseCopyable, Equatable, Sendable {
        /// The width of a timestep.
        package let width: Int
        /// Whether the value is one vector for the whole sequence.
        package let isVector: Bool
        /// Whether the sum is over the timesteps, not over the features.
        package let sumsTimesteps: Bool

        /// Creates a side. Each parameter sets the property of the same name.
        package init(width: Int, isVector: Bool, sumsTimesteps: Bool) {
            self.width = width
            self.isVector = isVector
            self.sumsTimesteps = sumsTimesteps
        }

        /// The length of the axis of the sum.
        fileprivate func summed(_ count: Int) -> Int { sumsTimesteps ? count : width }

        /// The length of the other axis; 1 if there is none.
        fileprivate func kept(_ count: Int) -> Int { isVector ? 1 : sumsTimesteps ? width : count }

        /// The distance in memory between neighbors on the axis of the sum.
        fileprivate var summedStride: Int { sumsTimesteps ? width : 1 }

        /// The distance in memory between neighbors on the other axis.
        fileprivate var keptStride: Int { sumsTimesteps ? 1 : width }

        fileprivate var architecture: String { isVector ? "vector" : sumsTimesteps ? "timesteps" : "features" }
    }

    /// The first input.
    package let first: Side
    /// The second input.
    package let second: Side
    /// The width of one timestep of the output.
    package let units: Int

    /// Creates a product. Each parameter sets the property of the same name.
    package init(first: Side, second: Side, units: Int) {
        self.first = first
        self.second = second
        self.units = units
    }

    var architecture: String { "dot \(first.architecture) \(second.architecture) units=\(units)" }

    func units(of widths: [Int]) throws(ModelError) -> Int {
        guard widths == [first.width, second.width], units > 0 else {
            throw ModelError(code: .shape, context: "a dot product gets inputs of the widths \(widths)")
        }
        return units
    }

    /// Returns the number of timesteps of the output; nil if the inputs do not fit.
    func timesteps(of counts: [Int]) -> Int? {
        guard first.summed(counts[0]) == second.summed(counts[1]) else { return nil }
        let (rows, columns) = (first.kept(counts[0]), second.kept(counts[1]))
        if first.isVector || second.isVector { return rows * columns == units ? 1 : nil }
        return columns == units ? rows : nil
    }

    /// Computes the output at all timesteps.
    func run(_ a: GraphValue, _ b: GraphValue, into y: GraphValue) {
        let (rows, columns) = (first.kept(a.count), second.kept(b.count))
        for row in 0..<rows {
            for column in 0..<columns {
                var sum: Float = 0
                for k in 0..<first.summed(a.count) {
                    unsafe sum +=
                        a.values[row * first.keptStride + k * first.summedStride]
                        * b.values[column * second.keptStride + k * second.summedStride]
                }
                unsafe y.values[row * columns + column] = sum
            }
        }
    }
}
