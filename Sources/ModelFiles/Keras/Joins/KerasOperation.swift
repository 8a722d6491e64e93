import FoundationEssentials
import Recurrent
import Wire

/// An operation of Keras 3 or of TensorFlow between the layers of a functional model: a slice such as `y[:, -1, :]`, or
/// arithmetic such as `x + y`. Operations drop masks. Keras 3 also writes its masks into the graph as operations.
struct KerasOperation: KerasJoin {
    static let className = "Operation"

    /// The operations that only compute masks.
    static let maskNames: Set<String> = [
        "NotEqual", "Any", "All", "LogicalOr", "LogicalAnd", "ExpandDims", "ZerosLike", "OnesLike", "ConvertToTensor",
        "BroadcastTo",
    ]
    private static let merges: [String: any KerasMerge] = [
        "Add": KerasAdd(), "Subtract": KerasSubtract(), "Multiply": KerasMultiply(), "Maximum": KerasMaximum(),
        "Minimum": KerasMinimum(),
    ]
    /// The names of TensorFlow's functions, and of the operations of Keras 3 that compute the same.
    private static let functions = [
        "__operators__.getitem": "GetItem", "__operators__.add": "Add", "math.add": "Add", "math.subtract": "Subtract",
        "__operators__.mul": "Multiply", "math.multiply": "Multiply", "math.maximum": "Maximum",
        "math.minimum": "Minimum",
    ]

    /// The name of the operation in Keras 3.
    let name: String
    /// The operation's axis, if it has one.
    let axis: Int?

    private enum Key: String, CodingKey {
        case config, function, axis
        case className = "class_name"
    }

    /// Returns whether a class is one of TensorFlow's operations.
    static func isOfTensorFlow(_ className: String) -> Bool { className.hasSuffix("OpLambda") }

    /// Reads an operation; nil if it is not supported.
    init?(_ decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        let config = try object.nestedContainer(keyedBy: Key.self, forKey: .config)
        let className = try object.decode(String.self, forKey: .className)
        let function = try? config.decode(String.self, forKey: .function)
        let name = function.map { Self.functions[$0] ?? $0 } ?? className
        guard Self.maskNames.contains(name) || Self.merges[name] != nil || ["GetItem", "Concatenate"].contains(name)
        else { return nil }
        self.name = name
        axis = try? config.decode(Int.self, forKey: .axis)
    }

    init(from decoder: any Decoder) throws {
        guard let operation = try KerasOperation(decoder) else { throw Defect(.unsupported, "is not supported") }
        self = operation
    }

    /// Returns the tensors that a call takes. TensorFlow's functions get the second tensor by name.
    func inputs(of call: KerasCall) -> [KerasTensor] {
        call.inputs + [call.named["y"].flatMap { KerasTensor($0) }].compactMap(\.self)
    }

    var callArguments: Set<String> { ["y", "name", "slice_spec"] }

    func outputShape(of inputs: [KerasShape], _ call: KerasCall, _ rule: KerasMaskRule) throws(Defect) -> KerasShape {
        if name == "GetItem" { return try KerasSlice(call).outputShape(of: inputs) }
        let join = try join(inputs)
        guard inputs.allSatisfy({ $0.axes.count == inputs[0].axes.count }) else {
            throw Defect(.unsupported, "gets \(inputs.text); supported: inputs of one shape")
        }
        return KerasShape(try join.outputShape(of: inputs, call, rule).axes)
    }

    func operation(
        weights: [Tensor], inputs: [KerasShape], _ call: KerasCall, _ rule: KerasMaskRule
    ) throws(ModelError) -> Graph.Operation {
        do throws(Defect) {
            if name == "GetItem" { return .slice(try KerasSlice(call).slice(of: inputs[0])) }
            return try join(inputs).merge(inputs)
        } catch {
            throw ModelError(code: .shape, context: error.context)
        }
    }

    private func join(_ inputs: [KerasShape]) throws(Defect) -> any KerasJoin {
        if name == "Concatenate" { return KerasConcatenate(axis: axis ?? 0) }
        guard let merge = Self.merges[name] else {
            throw Defect(
                .unsupported, "is not supported; supported: slices, and sums and products of two layers' outputs")
        }
        guard inputs.count == 2 else {
            throw Defect(
                .unsupported,
                "is not supported with a number; supported: two layers' outputs, or the layer Rescaling for a number")
        }
        return merge
    }
}

extension KerasJoin {
    /// Returns the merge that the layer computes.
    fileprivate func merge(_ inputs: [KerasShape]) throws(Defect) -> Graph.Operation {
        do {
            return try operation(
                weights: [], inputs: inputs.map { KerasShape($0.axes) }, KerasCall(), .keptByAny)
        } catch {
            throw Defect(.corrupt, error.context)
        }
    }
}
