/// A part of the timesteps and of the features of one value, as Python's indices select it: `y[:, -1, :]`.
package struct Slice: BitwiseCopyable, Equatable, Sendable {
    /// A range of indices with a step, in Python's notation. Nil stands for the end in the step's direction. A negative
    /// index counts from the end of the axis.
    package struct Range: BitwiseCopyable, Equatable, Sendable {
        /// The first index.
        package let start: Int?
        /// The index after the last one.
        package let stop: Int?
        /// The distance between two indices; not 0.
        package let step: Int

        /// Creates a range. Each parameter sets the property of the same name.
        package init(start: Int? = nil, stop: Int? = nil, step: Int = 1) {
            self.start = start
            self.stop = stop
            self.step = step
        }

        /// Returns the selected indices of an axis.
        func indices(of length: Int) -> StrideTo<Int> {
            let (first, end) = ends(of: length)
            return stride(from: first, to: end, by: step)
        }

        /// Returns the first selected index of an axis, and the index after the last one.
        private func ends(of length: Int) -> (first: Int, end: Int) {
            let bounds = step > 0 ? (0, length) : (-1, length - 1)
            func place(_ index: Int?, _ standard: Int) -> Int {
                index.map { min(max($0 < 0 ? $0 + length : $0, bounds.0), bounds.1) } ?? standard
            }
            return (place(start, step > 0 ? bounds.0 : bounds.1), place(stop, step > 0 ? bounds.1 : bounds.0))
        }

        /// Returns the number of selected indices of an axis.
        package func count(of length: Int) -> Int {
            let (first, end) = ends(of: length)
            let distance = step > 0 ? end - first : first - end
            return distance > 0 ? (distance - 1) / abs(step) + 1 : 0
        }

        fileprivate var text: String {
            "\(start.map { "\($0)" } ?? ""):\(stop.map { "\($0)" } ?? ""):\(step)"
        }
    }

    /// The part of the timesteps.
    package enum Timesteps: BitwiseCopyable, Equatable, Sendable {
        /// The timesteps of a range, in its order.
        case range(Range)
        /// One timestep, whose value is a vector. A negative index counts from the end.
        case index(Int)
    }

    /// The timesteps.
    package let timesteps: Timesteps
    /// The features.
    package let features: Range

    /// The last timestep: `y[:, -1, :]`.
    package static let lastTimestep = Slice(timesteps: .index(-1))

    /// Creates a slice. Each parameter sets the property of the same name.
    package init(timesteps: Timesteps = .range(Range()), features: Range = Range()) {
        self.timesteps = timesteps
        self.features = features
    }

    /// Whether the output at a timestep needs only that timestep.
    var isCausal: Bool { timesteps == .index(-1) || timesteps == .range(Range()) }

    var architecture: String {
        let time =
            switch timesteps {
            case .range(let range): range.text
            case .index(let index): "\(index)"
            }
        return "slice timesteps=\(time) features=\(features.text)"
    }

    func units(of widths: [Int]) throws(ModelError) -> Int {
        guard widths.count == 1, case let units = features.count(of: widths[0]), units > 0 else {
            throw ModelError(code: .shape, context: "\(architecture) selects no feature of the widths \(widths)")
        }
        return units
    }

    /// Returns the number of selected timesteps; nil if there are none.
    package func timesteps(of count: Int) -> Int? {
        switch timesteps {
        case .range(let range):
            let count = range.count(of: count)
            return count > 0 ? count : nil
        case .index(let index): return (-count..<count).contains(index) ? 1 : nil
        }
    }

    /// Computes the output at all timesteps.
    func run(_ x: GraphValue, into y: GraphValue) {
        switch timesteps {
        case .index(let index): copy(x, index < 0 ? x.count + index : index, to: 0, of: y)
        case .range(let range):
            for (place, timestep) in range.indices(of: x.count).enumerated() { copy(x, timestep, to: place, of: y) }
        }
    }

    private func copy(_ x: GraphValue, _ timestep: Int, to place: Int, of y: GraphValue) {
        let (input, output) = unsafe (x.row(timestep), y.row(place))
        for (k, feature) in features.indices(of: x.width).enumerated() { unsafe output[k] = input[feature] }
    }
}
