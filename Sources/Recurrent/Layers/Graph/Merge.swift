/// A merge of several values, timestep by timestep: Keras' merging layers
/// (<https://keras.io/api/layers/merging_layers/>). An input of one timestep or of width 1 stands for all timesteps or
/// all features.
package enum Merge: String, BitwiseCopyable, CaseIterable, Sendable {
    /// The features of all inputs, side by side.
    case concat
    /// The timesteps of all inputs, one after the other.
    case concatTimesteps = "concat_timesteps"
    /// The sum.
    case add
    /// The first input minus the second.
    case subtract
    /// The product.
    case multiply
    /// The mean.
    case average
    /// The larger value.
    case maximum
    /// The smaller value.
    case minimum

    /// The maximum number of timesteps of a concatenation, which keeps repeated concatenations from overflowing.
    private static let maximumTimesteps = 1 << 26

    var architecture: String { "merge \(rawValue)" }

    /// Returns the width of the output.
    func units(of widths: [Int]) throws(ModelError) -> Int {
        if self == .concat { return widths.reduce(0, +) }
        let width = widths.max() ?? 0
        guard widths.allSatisfy({ $0 == width || ($0 == 1 && self != .concatTimesteps) }),
            self != .subtract || widths.count == 2
        else {
            throw ModelError(code: .shape, context: "\(rawValue) gets inputs of the widths \(widths)")
        }
        return width
    }

    /// Returns the number of timesteps of the output; nil if the inputs do not fit.
    func timesteps(of counts: [Int]) -> Int? {
        if self == .concatTimesteps {
            let count = counts.reduce(0, +)
            return count <= Self.maximumTimesteps ? count : nil
        }
        let count = counts.max() ?? 0
        return counts.allSatisfy { $0 == count || ($0 == 1 && self != .concat) } ? count : nil
    }

    /// Computes the output at all timesteps.
    ///
    /// - Parameters:
    ///   - inputs: The inputs.
    ///   - skipsMasked: Whether an input does not count where it is masked. The product of no inputs is 0.
    ///   - y: Receives the output.
    func run(_ inputs: GraphInputs, skipsMasked: Bool, into y: GraphValue) {
        switch self {
        case .concat: concatenate(inputs, into: y)
        case .concatTimesteps:
            var first = 0
            for index in 0..<inputs.count {
                let x = inputs[index]
                unsafe (y.values + first * y.width).update(from: x.values, count: x.count * x.width)
                first += x.count
            }
        case _ where skipsMasked:
            for timestep in 0..<y.count { runUnmasked(inputs, at: timestep, into: y) }
        default:
            for timestep in 0..<y.count {
                let output = unsafe y.row(timestep)
                for index in 0..<inputs.count {
                    let x = inputs[index]
                    unsafe apply(x.row(timestep), width: x.width, isFirst: index == 0, into: output, count: y.width)
                }
                guard self == .average else { continue }
                for k in 0..<y.width { unsafe output[k] /= Float(inputs.count) }
            }
        }
    }

    /// Computes the output at one timestep from the inputs that are not masked there.
    private func runUnmasked(_ inputs: GraphInputs, at timestep: Int, into y: GraphValue) {
        let output = unsafe y.row(timestep)
        var hasOutput = false
        for index in 0..<inputs.count where !inputs[index].isMasked(timestep) {
            let x = inputs[index]
            unsafe apply(x.row(timestep), width: x.width, isFirst: !hasOutput, into: output, count: y.width)
            hasOutput = true
        }
        if hasOutput { return }
        if self == .multiply {
            unsafe output.update(repeating: 0, count: y.width)
        } else {
            unsafe apply(inputs[0].row(timestep), width: inputs[0].width, isFirst: true, into: output, count: y.width)
        }
    }

    private func concatenate(_ inputs: GraphInputs, into y: GraphValue) {
        for timestep in 0..<y.count {
            var output = unsafe y.row(timestep)
            for index in 0..<inputs.count {
                let x = inputs[index]
                unsafe output.update(from: x.row(timestep), count: x.width)
                unsafe output += x.width
            }
        }
    }

    /// Combines one input with the merge of the inputs before it.
    ///
    /// - Parameters:
    ///   - x: The input, shape (width).
    ///   - width: `count`, or 1 for a value that counts for all.
    ///   - isFirst: Whether there are no inputs before it.
    ///   - y: The merge so far, shape (count); the function replaces it.
    ///   - count: The width of the output.
    private func apply(
        _ x: UnsafePointer<Float>, width: Int, isFirst: Bool, into y: UnsafeMutablePointer<Float>, count: Int
    ) {
        let step = width == 1 ? 0 : 1
        if isFirst {
            for k in 0..<count { unsafe y[k] = x[k * step] }
            return
        }
        switch self {
        case .add, .average: for k in 0..<count { unsafe y[k] += x[k * step] }
        case .subtract: for k in 0..<count { unsafe y[k] -= x[k * step] }
        case .multiply: for k in 0..<count { unsafe y[k] *= x[k * step] }
        case .maximum: for k in 0..<count { unsafe y[k] = max(y[k], x[k * step]) }
        case .minimum: for k in 0..<count { unsafe y[k] = min(y[k], x[k * step]) }
        case .concat, .concatTimesteps: break
        }
    }
}
