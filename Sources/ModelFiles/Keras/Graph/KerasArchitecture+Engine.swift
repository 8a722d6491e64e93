import Recurrent

extension KerasArchitecture {
    /// The engine's layers, and what became of Keras' layers.
    struct Built {
        /// The layers of the engine's model, a chain. A part of the model that is not a chain is one ``Graph``.
        var layers: [any Layer] = []
        /// For each of Keras' layers, its number of weights; nil if the engine omits the layer, because it does nothing
        /// in inference.
        var parameters: [Int?]
    }

    /// One computation of the engine. Value 0 is the model's input, and value n + 1 is the output of item n.
    private struct Item {
        let operation: Graph.Operation
        let inputs: [Int]
        let shape: KerasShape
        let mask: MaskCombination
    }

    /// Builds the engine's layers.
    ///
    /// - Parameter weights: For each layer, the tensors of the weights that are read.
    /// - Returns: The layers.
    /// - Throws: ``Defect`` with the code `corrupt` if a weight has the wrong shape.
    func build(weights: [[Tensor]]) throws(Defect) -> Built {
        var built = Built(parameters: Array(repeating: nil, count: layers.count))
        let items = try items(weights, &built.parameters)
        let middle = Self.middle(of: items)
        do {
            built.layers += Self.chain(items[..<middle.lowerBound])
            if !middle.isEmpty { built.layers.append(try graph(items, middle)) }
            built.layers += Self.chain(items[middle.upperBound...])
        } catch {
            throw Defect(.corrupt, error.context)
        }
        return built
    }

    private func items(_ weights: [[Tensor]], _ parameters: inout [Int?]) throws(Defect) -> [Item] {
        var items: [Item] = []
        // The value of each call's output.
        var values = [0]
        // The first item of each layer.
        var firstItems: [Int: Int] = [:]
        for call in calls {
            let inputs = call.inputs.map { values[$0] }
            guard let operation = try operation(call, weights[call.layer]) else {
                values.append(inputs[0])
                continue
            }
            var item = operation
            if let layer = operation.layer {
                if let first = firstItems[call.layer] { item = .shared(layer, node: first) }
                parameters[call.layer] = layer.parameters
            } else if case .layer = call.kind {
                parameters[call.layer] = weights[call.layer].reduce(0) { $0 + $1.values.count }
            }
            firstItems[call.layer] = firstItems[call.layer] ?? items.count
            items.append(
                Item(operation: item, inputs: inputs, shape: call.outputShape, mask: mask(of: call)))
            values.append(items.count)
        }
        return items
    }

    /// Returns the engine's operation for a call; nil if the call changes nothing.
    private func operation(_ call: KerasGraph.Call, _ weights: [Tensor]) throws(Defect) -> Graph.Operation? {
        let named = layers[call.layer]
        do {
            switch call.kind {
            case .hiddenState: return .slice(.lastTimestep)
            case .layer(let arguments):
                if let join = named.layer as? any KerasJoin {
                    return try join.operation(weights: weights, inputs: call.inputShapes, arguments, maskRule)
                }
                return try named.layer.build(weights: weights, input: call.inputShapes[0]).map(Graph.Operation.layer)
            }
        } catch {
            throw Defect(.corrupt, error.context).inLayer(named.name, className: named.className)
        }
    }

    private func mask(of call: KerasGraph.Call) -> MaskCombination {
        guard call.outputShape.isMasked else { return .discarded }
        return (layers[call.layer].layer as? any KerasJoin)?.mask(maskRule) ?? .first
    }

    /// Returns the items between the first and the last that do not belong to a chain.
    private static func middle(of items: [Item]) -> Range<Int> {
        var uses = Array(repeating: 0, count: items.count + 1)
        var shared: Set<Int> = []
        for (index, item) in items.enumerated() {
            for input in item.inputs { uses[input] += 1 }
            if case .shared(_, let first) = item.operation { shared.formUnion([first, index]) }
        }
        func isLink(_ index: Int) -> Bool {
            guard items[index].inputs == [index], uses[index] == 1, !shared.contains(index) else { return false }
            return switch items[index].operation {
            case .layer: true
            case .slice(let slice): slice == .lastTimestep
            case .shared, .merge, .attention, .dot: false
            }
        }
        guard let first = items.indices.first(where: { !isLink($0) }),
            let last = items.indices.last(where: { !isLink($0) })
        else { return items.count..<items.count }
        return first..<(last + 1)
    }

    /// Returns the layers of a chain. The last timestep needs no layer, because it is what the model answers.
    private static func chain(_ items: ArraySlice<Item>) -> [any Layer] { items.compactMap(\.operation.layer) }

    /// Returns the layer for the part of the model that is not a chain.
    private func graph(_ items: [Item], _ middle: Range<Int>) throws(ModelError) -> Graph {
        let start = middle.lowerBound
        let nodes = items[middle].map { item in
            var operation = item.operation
            if case .shared(let layer, let first) = operation { operation = .shared(layer, node: first - start) }
            return Graph.Node(
                operation, inputs: item.inputs.map { $0 - start }, isVector: item.shape.axes.count == 2, mask: item.mask
            )
        }
        guard start == 0 else {
            let shape = items[start - 1].shape
            return try Graph(
                features: shape.features, isInputVector: shape.axes.count == 2, isInputMasked: shape.isMasked,
                nodes: nodes)
        }
        let widths = items.compactMap { $0.inputs.contains(0) ? $0.operation.layer?.features : nil }
        return try Graph(
            features: widths.first ?? inputShape.features, isInputVector: !takesTokens && inputShape.axes.count == 2,
            nodes: nodes)
    }
}
