/// A part of a model that is not a chain, such as a residual connection, as one layer of the model's chain.
///
/// The graph's values are numbered: value 0 is the input, and value n + 1 is the output of node n. The output of the last
/// node is the graph's output.
///
/// If every node needs only one timestep at a time, the graph steps like any other ``TimestepLayer``, and its state is
/// the states of its nodes in order. Otherwise each node runs over the whole sequence before the next one.
package struct Graph: Sendable {
    /// The computation of one value from earlier values.
    package struct Node: Sendable {
        /// The computation.
        package let operation: Operation
        /// The numbers of the values that the operation takes, all of them below the number of the node's own value.
        package let inputs: [Int]
        /// Whether the output is one vector for the whole sequence, not one for each timestep.
        package let isVector: Bool
        /// The mask of the output.
        package let mask: MaskCombination

        /// Creates a node. Each parameter sets the property of the same name.
        package init(_ operation: Operation, inputs: [Int], isVector: Bool, mask: MaskCombination = .discarded) {
            self.operation = operation
            self.inputs = inputs
            self.isVector = isVector
            self.mask = mask
        }
    }

    /// The kinds of computations.
    package enum Operation: Sendable {
        /// A layer with one input.
        case layer(any Layer)
        /// A layer that an earlier node computes too. Its weights are those of that node.
        case shared(any Layer, node: Int)
        /// A merge of several values. If it skips masked inputs, an input does not count where it is masked.
        case merge(Merge, skipsMasked: Bool)
        /// A part of the timesteps or of the features of one value.
        case slice(Slice)
        /// Attention of a query to values, and to keys if there are three inputs.
        case attention(Attention)
        /// The dot product of two values.
        case dot(Dot)
    }

    /// The width of one timestep of the input.
    package let features: Int
    /// The width of one timestep of the output.
    package let units: Int
    /// The number of different tokens if a timestep of the input is a token; otherwise nil.
    package let tokenCount: Int?
    /// The nodes. Each takes values of earlier nodes only.
    package let nodes: [Node]
    /// Whether the input is one vector for the whole sequence.
    let isInputVector: Bool
    /// Whether some timesteps of the input may be masked.
    let isInputMasked: Bool
    /// The width of each value.
    let widths: [Int]

    /// Creates a graph.
    ///
    /// - Parameters:
    ///   - features: The width of one timestep of the input; 1 for a token.
    ///   - isInputVector: Whether the input is one vector for the whole sequence.
    ///   - isInputMasked: Whether some timesteps of the input may be masked.
    ///   - nodes: At least one node.
    /// - Throws: ``ModelError`` if a node takes a value that does not exist before it, if the widths of a node's inputs
    ///   do not fit, or if there is no node.
    package init(
        features: Int, isInputVector: Bool, isInputMasked: Bool = false, nodes: [Node]
    ) throws(ModelError) {
        var widths = [features]
        for (index, node) in nodes.enumerated() {
            guard !node.inputs.isEmpty, node.inputs.allSatisfy((0...index).contains) else {
                throw ModelError(code: .shape, context: "node \(index) of a graph takes the values \(node.inputs)")
            }
            widths.append(try node.operation.units(of: node.inputs.map { widths[$0] }))
        }
        guard !nodes.isEmpty else { throw ModelError(code: .empty, context: "a graph has no nodes") }
        self.features = features
        self.isInputVector = isInputVector
        self.isInputMasked = isInputMasked
        self.nodes = nodes
        self.widths = widths
        units = widths[nodes.count]
        tokenCount = try Self.tokenCount(of: nodes)
    }

    /// Returns the number of tokens that every embedding of the input knows; nil if there are no embeddings.
    ///
    /// - Throws: ``ModelError`` if another node takes tokens, or if an embedding takes anything else.
    private static func tokenCount(of nodes: [Node]) throws(ModelError) -> Int? {
        var smallest: Int?
        var takesValues = false
        for node in nodes {
            if let embedding = node.operation.layer as? Embedding {
                guard node.inputs == [0] else {
                    throw ModelError(code: .shape, context: "an embedding takes tokens, so it must be the first layer")
                }
                smallest = min(smallest ?? .max, embedding.vocabulary)
            } else if node.inputs.contains(0) {
                takesValues = true
            }
        }
        guard smallest == nil || !takesValues else {
            throw ModelError(code: .shape, context: "a token is used both by an embedding and as a number")
        }
        return smallest
    }
}

extension Graph: Layer {
    package var weights: [Tensor] { nodes.flatMap(\.operation.weights) }
    package var maskRule: MaskRule { isMasked(nodes.count) ? .generates : .discards }
    package var hasGradient: Bool { false }
    package var perCall: PerCall? { nodes.lazy.compactMap { $0.operation.layer?.perCall }.first }

    /// The first word lists the layers with their widths, because it determines the layout of the state.
    package var architecture: String {
        let layers = nodes.compactMap(\.operation.layer).map { layer in
            "\(layer.architecture.prefix { $0 != " " }):\(layer.units)"
        }
        let words = nodes.enumerated().map { index, node in
            " \(index + 1)=(\(node.operation.architecture))\(node.inputs)"
                + (node.isVector ? " vector" : "") + (node.mask == .discarded ? "" : " mask=\(node.mask.rawValue)")
        }
        return "graph[\(layers.joined(separator: ","))] features=\(features)"
            + (isInputVector ? " vector" : "") + (isInputMasked ? " masked" : "") + words.joined()
    }

    package func timesteps(of count: Int) -> Int? {
        if isCausal { return count }
        var counts = [isInputVector ? 1 : count]
        for (node, units) in zip(nodes, widths.dropFirst()) {
            let given = node.inputs.map { counts[$0] }
            guard let next = node.timesteps(of: given), Model.isInMemory(next, of: units) else { return nil }
            if case .attention(let attention) = node.operation,
                !attention.isQuick(given, widths: node.inputs.map { widths[$0] })
            {
                return nil
            }
            counts.append(next)
        }
        return counts.last
    }

    package func makePass(in weights: inout WeightBuffer) -> LayerPass {
        let passes = nodes.map { node in
            var pass = node.operation.layer?.makePass(in: &weights)
            if !isMasked(node.inputs[0]) { pass?.ignoreMask() }
            return pass
        }
        return isCausal
            ? LayerPass(.forward(makeStep(passes, in: &weights))) : LayerPass(.whole(Pass(self, passes, in: &weights)))
    }

    /// Returns whether a value is one vector for the whole sequence.
    func isVector(_ value: Int) -> Bool { value == 0 ? isInputVector : nodes[value - 1].isVector }

    /// Returns whether some timesteps of a value may be masked.
    func isMasked(_ value: Int) -> Bool { value == 0 ? isInputMasked : nodes[value - 1].mask != .discarded }

    /// Whether each value at a timestep needs only that timestep and the nodes' states. A vector is then the
    /// value after the last timestep so far.
    package var isCausal: Bool {
        nodes.allSatisfy { node in
            let areVectors = node.inputs.map(isVector)
            return switch node.operation {
            case .layer(let layer), .shared(let layer, _):
                layer.isCausal && (node.isVector || areVectors == [false])
            case .merge(let merge, _): merge != .concatTimesteps && areVectors.allSatisfy { $0 == node.isVector }
            case .slice(let slice): slice.isCausal && (node.isVector || areVectors == [false])
            case .dot: areVectors == [true, true]
            case .attention: false
            }
        }
    }
}

extension Graph.Node {
    /// Returns the number of timesteps of the output; nil if the inputs do not fit.
    func timesteps(of counts: [Int]) -> Int? {
        let count: Int? =
            switch operation {
            case .layer(let layer), .shared(let layer, _): layer.timesteps(of: counts[0])
            case .merge(let merge, _): merge.timesteps(of: counts)
            case .slice(let slice): slice.timesteps(of: counts[0])
            case .attention: Attention.timesteps(of: counts)
            case .dot(let dot): dot.timesteps(of: counts)
            }
        return isVector ? count.map { _ in 1 } : count
    }
}

extension Graph.Operation {
    /// The layer; nil for other operations.
    package var layer: (any Layer)? {
        switch self {
        case .layer(let layer), .shared(let layer, _): layer
        case .merge, .slice, .attention, .dot: nil
        }
    }

    /// The weights that no earlier node has.
    fileprivate var weights: [Tensor] {
        switch self {
        case .layer(let layer): layer.weights
        case .attention(let attention): attention.weights
        case .shared, .merge, .slice, .dot: []
        }
    }

    fileprivate var architecture: String {
        switch self {
        case .layer(let layer): layer.architecture
        case .shared(let layer, let node): "shared=\(node + 1) \(layer.architecture)"
        case .merge(let merge, let skipsMasked): merge.architecture + (skipsMasked ? " skips_masked" : "")
        case .slice(let slice): slice.architecture
        case .attention(let attention): attention.architecture
        case .dot(let dot): dot.architecture
        }
    }

    /// Returns the width of the output.
    ///
    /// - Throws: ``ModelError`` if the inputs do not fit.
    fileprivate func units(of widths: [Int]) throws(ModelError) -> Int {
        switch self {
        case .layer(let layer), .shared(let layer, _):
            guard widths == [layer.features] else {
                throw ModelError(
                    code: .shape, context: "a layer gets inputs of the widths \(widths), but takes \(layer.features)")
            }
            return layer.units
        case .merge(let merge, _): return try merge.units(of: widths)
        case .slice(let slice): return try slice.units(of: widths)
        case .attention(let attention): return try attention.units(of: widths)
        case .dot(let dot): return try dot.units(of: widths)
        }
    }
}
