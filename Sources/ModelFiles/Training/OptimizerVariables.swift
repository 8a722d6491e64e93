package import Recurrent

/// The variables of an optimizer as Keras stores them.
///
/// In a `.keras` archive, `model.weights.h5` holds them as `optimizer/vars/0`, `1` and so on. The first variable is the
/// number of updates. The learning rate follows, unless a schedule computes it. The rest are slots: the tensors that
/// the optimizer keeps for each trainable weight. All slots of the first weight come first, then all slots of the
/// second weight, and so on.
package struct OptimizerVariables: Equatable, Sendable {
    /// The number of updates so far, Keras' `iterations`.
    package var updates: Int
    /// The variables that follow the number of updates, in Keras' order.
    package var tensors: [Tensor]

    /// Creates the variables. Each parameter sets the property of the same name.
    package init(updates: Int, tensors: [Tensor]) {
        self.updates = updates
        self.tensors = tensors
    }

    /// Creates the variables of an optimizer.
    ///
    /// - Parameters:
    ///   - updates: The number of updates so far.
    ///   - learningRate: The learning rate; nil if a schedule computes it.
    ///   - slots: The slots of each trainable weight, in the order of the weights. Adam keeps the momentum, then the
    ///     velocity. Stochastic gradient descent keeps the momentum, or nothing.
    package init(updates: Int, learningRate: Float?, slots: [[Tensor]]) {
        let rate = learningRate.flatMap { try? Tensor(shape: [], values: [$0]) }
        self.init(updates: updates, tensors: [rate].compactMap(\.self) + slots.flatMap(\.self))
    }

    /// The learning rate; nil if the file has none, because a schedule computes it.
    package var learningRate: Float? {
        tensors.first.flatMap { $0.shape.isEmpty ? $0.values.first : nil }
    }

    /// Returns the slots of each trainable weight, in the order of the weights.
    ///
    /// - Parameters:
    ///   - count: The number of slots of each weight: 2 for Adam, 1 or 0 for stochastic gradient descent.
    ///   - shapes: The shapes of the trainable weights.
    /// - Returns: The slots; nil if the variables do not have this number of slots with these shapes.
    package func slots(_ count: Int, ofShapes shapes: [[Int]]) -> [[Tensor]]? {
        let slots = tensors.drop { $0.shape.isEmpty }
        guard slots.count == count * shapes.count, tensors.count - slots.count <= 1 else { return nil }
        let start = slots.startIndex
        let ofWeights = shapes.indices.map { Array(slots[(start + $0 * count)..<(start + ($0 + 1) * count)]) }
        return zip(ofWeights, shapes).allSatisfy { slots, shape in slots.allSatisfy { $0.shape == shape } }
            ? ofWeights : nil
    }
}

// MARK: - In a safetensors file

extension OptimizerVariables {
    private static let updatesKey = "optimizer_updates"
    private static let prefix = "optimizer/"

    /// Adds the number of updates to a file's metadata. A file has an optimizer if its metadata states the number.
    func add(to metadata: inout [String: String]) {
        metadata[Self.updatesKey] = String(updates)
    }

    /// The variables, named by Keras' numbers: `optimizer/1` and so on. Such names never clash with the names of
    /// layers' weights, because no weight is named by a number.
    var named: [NamedTensor] {
        tensors.enumerated().map { NamedTensor(name: "\(Self.prefix)\($0.offset + 1)", tensor: $0.element) }
    }

    /// Reads all tensors of a file, and separates the weights from the optimizer's variables.
    ///
    /// - Returns: The weights by name, and the optimizer's variables if the file has an optimizer.
    /// - Throws: ``Defect`` with the code `corrupt` or `unsupported`.
    static func split(_ file: Safetensors) throws(Defect) -> (weights: [NamedTensor], optimizer: OptimizerVariables?) {
        var weights: [NamedTensor] = []
        var tensors: [Int: Tensor] = [:]
        let updates = file.metadata[updatesKey].flatMap(Int.init)
        for name in file.names {
            let tensor = try file.tensor(name)
            if updates != nil, name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)) {
                tensors[number] = tensor
            } else {
                weights.append(NamedTensor(name: name, tensor: tensor))
            }
        }
        guard let updates else { return (weights, nil) }
        let inOrder = (1...max(1, tensors.count)).compactMap { tensors[$0] }
        guard inOrder.count == tensors.count, updates >= 0 else {
            throw Defect(.corrupt, "the variables of the optimizer are not numbered from 1")
        }
        return (weights, OptimizerVariables(updates: updates, tensors: inOrder))
    }
}
