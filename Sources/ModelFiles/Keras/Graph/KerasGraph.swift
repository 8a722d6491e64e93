import Recurrent

/// The directed graph of a model's layers, with all nested models put in their places.
///
/// Values are numbered: value 0 is the model's input, and value n + 1 is the output of call n.
struct KerasGraph {
    /// A layer of the model or of a model nested in it.
    struct Layer {
        /// The name, after the names of the enclosing models: `encoder/lstm`.
        let name: String
        let className: String
        let layer: any KerasLayer
        let isTrainable: Bool
    }

    /// One call of a layer.
    struct Call {
        /// The result of the call.
        enum Kind {
            case layer(KerasCall)
            /// The last timestep of the output of a recurrent layer, which is its hidden state too.
            case hiddenState
        }

        let kind: Kind
        /// The number of the layer in ``KerasGraph/layers``.
        let layer: Int
        /// The values that the call takes.
        let inputs: [Int]
        let inputShapes: [KerasShape]
        let outputShape: KerasShape
    }

    /// The layers in the order of the file, without InputLayers.
    private(set) var layers: [Layer] = []
    /// The calls. Each takes values of earlier calls only, and the last call gives the model's output.
    private(set) var calls: [Call] = []
    /// The rule for the masks of merges.
    let maskRule: KerasMaskRule
    let inputShape: KerasShape
    let takesTokens: Bool
    private(set) var cautions: [String] = []

    /// The maximum number of calls.
    private static let maximumCalls = 1024
    private var places: [String: Int] = [:]
    private var masks: [KerasMask?] = [nil]
    private var shapes: [KerasShape]

    /// Resolves the calls of a model.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - version: The version of Keras that wrote the file.
    /// - Throws: ``Defect`` with the code `unsupported` if the engine cannot compute a call, or `corrupt` if the graph
    ///   lacks a layer.
    init(_ model: KerasModel, version: KerasVersion) throws(Defect) {
        maskRule = version.isBefore3 == true || model.hasOperation("All") ? .keptByEvery : .keptByAny
        let takesTokens = model.firstLayer?.takesTokens ?? false
        self.takesTokens = takesTokens
        inputShape =
            model.inputShape.map { takesTokens ? $0 : model.sequenceShape(of: $0) }
            ?? KerasShape(takesTokens ? [nil, nil] : [nil, nil, nil])
        shapes = [inputShape]
        try register(model, in: "", isNested: false)
        _ = try append(model, input: 0, in: "")
    }

    /// Numbers the layers in the order of the file, and checks the InputLayers.
    private mutating func register(_ model: KerasModel, in scope: String, isNested: Bool) throws(Defect) {
        for (index, member) in model.members.enumerated() {
            switch member.content {
            case .input(let dtype):
                guard model.ends != nil || index == 0 else {
                    throw Defect(
                        .unsupported, "an InputLayer after another layer is not supported; supported: as first layer"
                    ).inLayer(member.name, className: member.className)
                }
                do throws(Defect) {
                    try takesTokens ? dtype?.requireTokens() : dtype?.requireValues()
                } catch {
                    throw error.inLayer(member.name, className: member.className)
                }
                if !takesTokens, let caution = dtype?.valueCaution, !cautions.contains(caution) {
                    cautions.append(caution)
                }
            case .layer(let layer, let isTrainable, let dtype):
                if let caution = dtype?.layerCaution, !cautions.contains(caution) { cautions.append(caution) }
                try add(member, layer, isTrainable: isTrainable, in: scope)
            case .operation(let operation):
                if !KerasOperation.maskNames.contains(operation.name) {
                    try add(member, operation, isTrainable: true, in: scope)
                }
            case .model(let model): try register(model, in: "\(scope)\(member.name)/", isNested: true)
            }
        }
    }

    private mutating func add(
        _ member: KerasModel.Member, _ layer: any KerasLayer, isTrainable: Bool, in scope: String
    ) throws(Defect) {
        let name = scope + member.name
        guard places[name] == nil else { throw Defect(.corrupt, "two layers have the name '\(name)'") }
        places[name] = layers.count
        layers.append(Layer(name: name, className: member.className, layer: layer, isTrainable: isTrainable))
    }
}

extension KerasGraph {
    /// Whether each layer is called once, with the output of the layer before.
    var isChain: Bool {
        calls.indices.allSatisfy { calls[$0].inputs == [$0] } && Set(calls.map(\.layer)).count == calls.count
    }

    /// Returns the number of the layer with a name.
    func place(of name: String) -> Int? { places[name] }
}

extension KerasGraph.Call {
    /// Returns the call with the number that its layer has after a reordering.
    func renumbered(_ places: [Int: Int]) -> KerasGraph.Call {
        KerasGraph.Call(
            kind: kind, layer: places[layer] ?? layer, inputs: inputs, inputShapes: inputShapes,
            outputShape: outputShape)
    }
}

// MARK: - Calls

extension KerasGraph {
    /// One use of a model, whose layers are called once for each use.
    private struct Scope {
        let model: KerasModel
        /// The names of the enclosing models.
        let path: String
        /// The value of the model's input.
        let input: Int
        let members: [String: KerasModel.Member]
        /// For each nested model, the number of its first call. Keras 2 counts the model itself as call 0.
        let firstCalls: [String: Int]
        var values: [KerasTensor: Int] = [:]
        /// The tensors whose calls are being resolved.
        var open: Set<KerasTensor> = []
        var reached: Set<String> = []
    }

    /// Appends the calls of a model.
    ///
    /// - Returns: The value of the model's output.
    private mutating func append(_ model: KerasModel, input: Int, in path: String) throws(Defect) -> Int {
        guard let ends = model.ends else { return try appendChain(model, input: input, in: path) }
        var members: [String: KerasModel.Member] = [:]
        for member in model.members { members[member.name] = member }
        var scope = Scope(model: model, path: path, input: input, members: members, firstCalls: model.firstCalls(ends))
        scope.values[ends.input] = input
        let output = try value(ends.output, &scope)
        for member in model.members where !scope.reached.contains(member.name) && member.name != ends.input.layer {
            if case .operation = member.content { continue }
            throw Defect(
                .unsupported,
                "is not on the way from the functional model's input to its output; supported: models in which every "
                    + "layer is"
            ).inLayer(member.name, className: member.className)
        }
        return output
    }

    private mutating func appendChain(_ model: KerasModel, input: Int, in path: String) throws(Defect) -> Int {
        var value = input
        for member in model.members {
            switch member.content {
            case .input: break
            case .model(let model): value = try append(model, input: value, in: "\(path)\(member.name)/")
            case .layer, .operation: value = try append(member, KerasCall(), inputs: [value], in: path, isInChain: true)
            }
        }
        return value
    }

    /// Returns the value of a tensor, after appending the calls that it depends on.
    private mutating func value(_ tensor: KerasTensor, _ scope: inout Scope) throws(Defect) -> Int {
        if let value = scope.values[tensor] { return value }
        let call = KerasTensor(layer: tensor.layer, call: tensor.call, output: 0)
        guard let member = scope.members[tensor.layer], !scope.open.contains(call) else {
            throw Defect(.corrupt, "the graph of the functional model lacks the layer '\(tensor.layer)'")
        }
        scope.reached.insert(tensor.layer)
        if case .input = member.content {
            throw Defect(.corrupt, "the functional model's input is not '\(tensor.layer)'")
        }
        if tensor.output != 0 {
            let output = try value(call, &scope)
            let state = try hiddenState(tensor.output, of: member, output)
            scope.values[tensor] = state
            return state
        }
        scope.open.insert(call)
        defer { scope.open.remove(call) }
        let arguments = try member.call(tensor.call - (scope.firstCalls[member.name] ?? 0))
        var inputs: [Int] = []
        for input in member.inputs(of: arguments) { inputs.append(try value(input, &scope)) }
        try check(arguments, of: member, inputs, scope)
        let result: Int
        if case .model(let model) = member.content {
            guard let input = inputs.first, inputs.count == 1 else {
                throw Defect(.unsupported, "is called with \(inputs.count) inputs; supported: 1")
                    .inLayer(member.name, className: member.className)
            }
            result = try append(model, input: input, in: "\(scope.path)\(member.name)/")
        } else {
            result = try append(member, arguments, inputs: inputs, in: scope.path, isInChain: false)
        }
        scope.values[tensor] = result
        return result
    }

    /// Checks the arguments of a call besides its inputs. An explicit mask must be the one that the inputs have anyway.
    private func check(
        _ call: KerasCall, of member: KerasModel.Member, _ inputs: [Int], _ scope: Scope
    ) throws(Defect) {
        var known: Set<String> = []
        var takesOthers = false
        switch member.content {
        case .operation(let operation): (known, takesOthers) = (operation.callArguments, true)
        case .layer(let layer as any KerasJoin, _, _): known = layer.callArguments
        default: break
        }
        if let argument = call.unsupportedArgument(besides: known), !takesOthers || call.others.isEmpty {
            throw Defect(
                .unsupported, "a call with \(argument) is not supported; supported: a call with the input alone"
            ).inLayer(member.name, className: member.className)
        }
        switch call.mask {
        case .none: return
        case .tensor(let tensor):
            let mask = KerasMaskReader(members: scope.members, values: scope.values).mask(tensor)
            if let mask, let input = inputs.first, mask == masks[input] ?? .keepsAll { return }
        case .other: break
        }
        throw Defect(.unsupported, "a mask of its own is not supported; supported: the mask of the layers before")
            .inLayer(member.name, className: member.className)
    }

    /// Appends one call.
    private mutating func append(
        _ member: KerasModel.Member, _ call: KerasCall, inputs: [Int], in path: String, isInChain: Bool
    ) throws(Defect) -> Int {
        guard let place = places[path + member.name] else {
            throw Defect(.unsupported, "is not supported on the way from the input to the output")
                .inLayer(member.name, className: member.className)
        }
        let layer = layers[place].layer
        let given = inputs.map { shapes[$0] }
        do throws(Defect) {
            guard !layer.takesTokens || inputs == [0] else {
                throw Defect(.unsupported, "after another layer is not supported; supported: as first layer")
            }
            if isInChain, (layer as? any KerasRecurrentLayer)?.options.returnsState == true {
                throw Defect(.unsupported, "return_state=True in a Sequential model is not supported; supported: False")
            }
            let output: KerasShape
            if let join = layer as? any KerasJoin {
                output = try join.outputShape(of: given, call, maskRule)
                try output.requireLimits()
            } else {
                try given.require(1...1)
                output = try layer.outputShape(of: given[0])
            }
            append(
                Call(kind: .layer(call), layer: place, inputs: inputs, inputShapes: given, outputShape: output),
                mask: output.isMasked ? mask(of: layer, inputs) : nil)
        } catch {
            throw error.inLayer(layers[place].name, className: member.className)
        }
        guard calls.count <= Self.maximumCalls else {
            throw Defect(
                .unsupported, "\(calls.count) calls of layers are not supported; supported: \(Self.maximumCalls)")
        }
        return calls.count
    }

    private mutating func append(_ call: Call, mask: KerasMask?) {
        calls.append(call)
        shapes.append(call.outputShape)
        masks.append(mask)
    }

    /// Returns the mask of a call's output.
    private func mask(of layer: any KerasLayer, _ inputs: [Int]) -> KerasMask? {
        if let masked = layer.maskedValue { return .generated(value: inputs[0], masked: masked) }
        let given = inputs.map { masks[$0] ?? .keepsAll }
        switch (layer as? any KerasJoin)?.mask(maskRule) {
        case .everyInput?: return .keptByAny(given)
        case .anyInput?: return .keptByEvery(given)
        case .sequence?: return .sequence(given)
        case .first?, .discarded?, nil: return given.first
        }
    }

    /// Appends the hidden state of a recurrent layer.
    private mutating func hiddenState(
        _ output: Int, of member: KerasModel.Member, _ value: Int
    ) throws(Defect) -> Int {
        let call = calls[value - 1]
        do throws(Defect) {
            guard let layer = layers[call.layer].layer as? any KerasRecurrentLayer, layer.options.returnsState,
                output == 1,
                layer.options.maskedOutput == .lastOutput || call.inputShapes.allSatisfy({ !$0.isMasked })
            else {
                throw Defect(
                    .unsupported,
                    "output \(output) is not supported; supported: the output, and the hidden state h of an LSTM, a GRU or "
                        + "a SimpleRNN"
                )
            }
        } catch {
            throw error.inLayer(member.name, className: member.className)
        }
        // Without return_sequences, the output is the hidden state.
        guard call.outputShape.axes.count == 3 else { return value }
        append(
            Call(
                kind: .hiddenState, layer: call.layer, inputs: [value], inputShapes: [call.outputShape],
                outputShape: KerasShape([call.outputShape.axes[0], call.outputShape.features])), mask: nil)
        return calls.count
    }
}
