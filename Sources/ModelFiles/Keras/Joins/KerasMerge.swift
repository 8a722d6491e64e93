import FoundationEssentials
import Recurrent

/// One of Keras' layers that merge values of equal shapes (<https://keras.io/api/layers/merging_layers/>).
protocol KerasMerge: KerasJoin {
    static var merge: Merge { get }
}

extension KerasMerge {
    func outputShape(of inputs: [KerasShape], _ call: KerasCall, _ rule: KerasMaskRule) throws(Defect) -> KerasShape {
        try inputs.require(Self.merge == .subtract ? 2...2 : 1...Int.max)
        let rank = inputs.map(\.axes.count).max() ?? 0
        // A vector is merged with each timestep of a sequence.
        let all = inputs.map { input in
            [input.axes[0]] + Array(repeating: 1, count: rank - input.axes.count) + input.axes.dropFirst()
        }
        var axes = all[0]
        for other in all.dropFirst() {
            for (place, length) in other.enumerated() {
                guard let one = axes[place], let two = length else {
                    axes[place] = axes[place] == 1 || length == 1 ? (axes[place] == 1 ? length : axes[place]) : nil
                    continue
                }
                guard one == two || one == 1 || two == 1 else {
                    throw Defect(.unsupported, "gets \(inputs.text); supported: inputs of one shape")
                }
                axes[place] = max(one, two)
            }
        }
        guard (2...3).contains(rank), axes.last ?? nil != nil else {
            throw Defect(
                .unsupported, "gets \(inputs.text); supported: (batch, features) and (batch, timesteps, features)")
        }
        let areMasked = inputs.map(\.isMasked)
        return KerasShape(
            axes, isMasked: rule == .keptByAny ? areMasked.allSatisfy(\.self) : areMasked.contains(true))
    }

    func operation(
        weights: [Tensor], inputs: [KerasShape], _ call: KerasCall, _ rule: KerasMaskRule
    ) throws(ModelError) -> Graph.Operation {
        let canSkip = [.multiply, .maximum, .minimum].contains(Self.merge)
        return .merge(
            Self.merge, skipsMasked: canSkip && rule == .keptByAny && inputs.contains { $0.isMasked })
    }

    func mask(_ rule: KerasMaskRule) -> MaskCombination { rule == .keptByAny ? .everyInput : .anyInput }
}

/// Keras' Add.
struct KerasAdd: KerasMerge {
    static let className = "Add"
    static let merge = Merge.add
}

/// Keras' Subtract.
struct KerasSubtract: KerasMerge {
    static let className = "Subtract"
    static let merge = Merge.subtract
}

/// Keras' Multiply.
struct KerasMultiply: KerasMerge {
    static let className = "Multiply"
    static let merge = Merge.multiply
}

/// Keras' Average.
struct KerasAverage: KerasMerge {
    static let className = "Average"
    static let merge = Merge.average
}

/// Keras' Maximum.
struct KerasMaximum: KerasMerge {
    static let className = "Maximum"
    static let merge = Merge.maximum
}

/// Keras' Minimum.
struct KerasMinimum: KerasMerge {
    static let className = "Minimum"
    static let merge = Merge.minimum
}

/// Keras' Concatenate (<https://keras.io/api/layers/merging_layers/concatenate/>), over the features or over the
/// timesteps.
struct KerasConcatenate: KerasJoin {
    static let className = "Concatenate"

    private let axis: Int

    private enum Option: CodingKey {
        case axis
    }

    init(axis: Int) {
        self.axis = axis
    }

    init(from decoder: any Decoder) throws {
        axis = try decoder.container(keyedBy: Option.self).decodeIfPresent(Int.self, forKey: .axis) ?? -1
    }

    /// Whether the layer appends timesteps, not features.
    private func appendsTimesteps(_ rank: Int) -> Bool { rank == 3 && (axis == 1 || axis == -2) }

    func outputShape(of inputs: [KerasShape], _ call: KerasCall, _ rule: KerasMaskRule) throws(Defect) -> KerasShape {
        try inputs.require(1...Int.max)
        let rank = inputs[0].axes.count
        let isOfTimesteps = appendsTimesteps(rank)
        guard (2...3).contains(rank), isOfTimesteps || axis == -1 || axis == rank - 1,
            inputs.allSatisfy({ $0.axes.count == rank })
        else {
            throw Defect(
                .unsupported,
                "axis=\(axis) of \(inputs.text) is not supported; supported: the last axis, -1, or the timesteps, 1")
        }
        for input in inputs { try input.requireLimits() }
        let place = isOfTimesteps ? 1 : rank - 1
        var axes = inputs[0].axes
        for input in inputs.dropFirst() {
            for index in 1..<rank where index != place {
                guard let one = axes[index], let two = input.axes[index] else { continue }
                guard one == two else {
                    throw Defect(
                        .unsupported, "gets \(inputs.text); supported: inputs of one shape, except for axis \(axis)")
                }
            }
            axes[place] = axes[place].flatMap { length in input.axes[place].map { length + $0 } }
        }
        guard axes[rank - 1] != nil else {
            throw Defect(.unsupported, "gets \(inputs.text); supported: a known number of features")
        }
        let areMasked = inputs.map(\.isMasked)
        // An input without a mask keeps every timestep.
        let isMasked =
            isOfTimesteps || rule == .keptByEvery ? areMasked.contains(true) : areMasked.allSatisfy(\.self)
        return KerasShape(axes, isMasked: isMasked)
    }

    func operation(
        weights: [Tensor], inputs: [KerasShape], _ call: KerasCall, _ rule: KerasMaskRule
    ) throws(ModelError) -> Graph.Operation {
        .merge(appendsTimesteps(inputs[0].axes.count) ? .concatTimesteps : .concat, skipsMasked: false)
    }

    func mask(_ rule: KerasMaskRule) -> MaskCombination {
        appendsTimesteps(3) ? .sequence : rule == .keptByAny ? .everyInput : .anyInput
    }
}

/// Keras' Dot (<https://keras.io/api/layers/merging_layers/dot/>).
struct KerasDot: KerasJoin {
    static let className = "Dot"

    private let axes: [Int]

    private enum Option: CodingKey {
        case axes, normalize
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        try options.refuse(.normalize)
        if let axis = try? options.decode(Int.self, forKey: .axes) {
            axes = [axis, axis]
        } else {
            axes = try options.decode([Int].self, forKey: .axes)
        }
    }

    func outputShape(of inputs: [KerasShape], _ call: KerasCall, _ rule: KerasMaskRule) throws(Defect) -> KerasShape {
        try inputs.require(2...2)
        let summed = zip(inputs, axes).map { $1 < 0 ? $0.axes.count + $1 : $1 }
        guard summed.count == 2, zip(inputs, summed).allSatisfy({ (2...3).contains($0.axes.count) && $1 > 0 }),
            zip(inputs, summed).allSatisfy({ $1 < $0.axes.count }),
            inputs[0].axes[summed[0]] == inputs[1].axes[summed[1]]
        else {
            throw Defect(.unsupported, "axes=\(axes) of \(inputs.text) is not supported; supported: axes of one length")
        }
        let kept = zip(inputs, summed).map { input, axis in
            input.axes.count == 2 ? [] : [input.axes[3 - axis]]
        }
        let output = kept.flatMap(\.self)
        let shape = KerasShape([inputs[0].axes[0]] + (output.isEmpty ? [1] : output))
        guard shape.features > 0 else {
            throw Defect(
                .unsupported,
                "axes=\(axes) of \(inputs.text) is not supported; supported: an output with a known number of features")
        }
        return shape
    }

    func operation(
        weights: [Tensor], inputs: [KerasShape], _ call: KerasCall, _ rule: KerasMaskRule
    ) throws(ModelError) -> Graph.Operation {
        let sides = zip(inputs, axes).map { input, axis in
            Dot.Side(
                width: input.features, isVector: input.axes.count == 2,
                sumsTimesteps: input.axes.count == 3 && (axis == 1 || axis == -2))
        }
        guard let units = try? outputShape(of: inputs, call, .keptByAny).features else {
            throw ModelError(code: .shape, context: "a dot product gets \(inputs.text)")
        }
        return .dot(Dot(first: sides[0], second: sides[1], units: units))
    }
}
