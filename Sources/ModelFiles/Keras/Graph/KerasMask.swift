import Wire

/// A mask in a functional model, as an expression over the layers that generate masks. Two masks are the same if their
/// expressions are equal.
indirect enum KerasMask: Hashable {
    /// Keeps the timesteps at which a value differs from a number.
    case generated(value: Int, masked: Float)
    /// Keeps every timestep.
    case keepsAll
    /// Keeps the timesteps that any of the masks keeps.
    case any(Set<KerasMask>)
    /// Keeps the timesteps that all of the masks keep.
    case every(Set<KerasMask>)
    /// The masks of several values, one after the other.
    case sequence([KerasMask])

    /// Returns the mask that keeps the timesteps that any of the masks keeps.
    static func keptByAny(_ masks: [KerasMask]) -> KerasMask {
        if masks.contains(.keepsAll) { return .keepsAll }
        var parts: Set<KerasMask> = []
        for mask in masks {
            if case .any(let inner) = mask { parts.formUnion(inner) } else { parts.insert(mask) }
        }
        if let only = parts.first, parts.count == 1 { return only }
        return .any(parts)
    }

    /// Returns the mask that keeps the timesteps that all of the masks keep.
    static func keptByEvery(_ masks: [KerasMask]) -> KerasMask {
        var parts: Set<KerasMask> = []
        for mask in masks where mask != .keepsAll {
            if case .every(let inner) = mask { parts.formUnion(inner) } else { parts.insert(mask) }
        }
        if let only = parts.first, parts.count == 1 { return only }
        return parts.isEmpty ? .keepsAll : .every(parts)
    }
}

/// Evaluates the masks that Keras 3 writes into a functional model as operations.
struct KerasMaskReader {
    /// The members of the model by name.
    let members: [String: KerasModel.Member]
    /// The numbers of the values in the graph.
    let values: [KerasTensor: Int]

    /// The maximum number of operations in a mask, against cycles.
    private static let maximumDepth = 64

    /// The result of an operation.
    private enum Term {
        case mask(KerasMask)
        /// Zeros, which an `or` ignores.
        case zeros
        /// Several masks side by side on an axis.
        case list([KerasMask], axis: Int)
    }

    /// Returns the expression of a mask; nil if it consists of anything but the operations that Keras itself writes.
    func mask(_ tensor: KerasTensor) -> KerasMask? {
        if case .mask(let mask)? = term(tensor, depth: 0) { mask } else { nil }
    }

    private func term(_ tensor: KerasTensor, depth: Int) -> Term? {
        guard depth < Self.maximumDepth, let member = members[tensor.layer],
            case .operation(let operation) = member.content,
            let call = member.calls.first
        else { return nil }
        func inner(_ index: Int = 0) -> Term? {
            index < call.inputs.count ? term(call.inputs[index], depth: depth + 1) : nil
        }
        switch operation.name {
        case "NotEqual":
            guard let input = call.inputs.first, case let number = call.others.first.flatMap(Self.float) else {
                return nil
            }
            return values[input].flatMap { value in number.map { .mask(.generated(value: value, masked: $0)) } }
        case "ExpandDims", "ConvertToTensor", "BroadcastTo": return inner()
        case "ZerosLike": return .zeros
        case "OnesLike": return .mask(.keepsAll)
        case "LogicalOr", "LogicalAnd":
            switch (inner(0), inner(1)) {
            case (.mask(let one)?, .mask(let two)?):
                return .mask(operation.name == "LogicalOr" ? .keptByAny([one, two]) : .keptByEvery([one, two]))
            case (.mask(let mask)?, .zeros?), (.zeros?, .mask(let mask)?):
                return operation.name == "LogicalOr" ? .mask(mask) : nil
            default: return nil
            }
        case "Concatenate":
            var masks: [KerasMask] = []
            for index in call.inputs.indices {
                guard case .mask(let mask)? = inner(index) else { return nil }
                masks.append(mask)
            }
            return .list(masks, axis: operation.axis ?? 0)
        case "Any", "All":
            switch inner() {
            case .list(let masks, axis: 1)?: return .mask(.sequence(masks))
            case .list(let masks, _)?:
                return .mask(operation.name == "Any" ? .keptByAny(masks) : .keptByEvery(masks))
            case let term: return term
            }
        default: return nil
        }
    }

    private static func float(_ value: JSONValue) -> Float? {
        switch value {
        case .integer(let number): Float(number)
        case .number(let number): Float(number)
        default: nil
        }
    }
}
