extension KerasModel {
    /// Whether no model is nested in this one.
    var isFlat: Bool { !members.contains { if case .model = $0.content { true } else { false } } }

    /// Returns the number of the first call of each nested model.
    func firstCalls(_ ends: Ends) -> [String: Int] {
        var last: [String: Int] = [ends.output.layer: ends.output.call]
        for tensor in members.flatMap({ member in member.calls.flatMap(\.inputs) }) {
            last[tensor.layer] = max(last[tensor.layer] ?? 0, tensor.call)
        }
        var first: [String: Int] = [:]
        for member in members {
            guard case .model = member.content, let number = last[member.name] else { continue }
            first[member.name] = number >= member.calls.count ? 1 : 0
        }
        return first
    }

    /// Returns the shape of the sequences that a model takes.
    ///
    /// A model may take a sequence as one vector, which its first layer divides into timesteps. The model then takes the
    /// same values as timesteps, and the first layer changes nothing.
    func sequenceShape(of input: KerasShape) -> KerasShape {
        guard input.axes.count == 2, let layer = dividingLayer as? KerasReshape,
            let shape = try? layer.outputShape(of: input), shape.axes.count == 3
        else { return input }
        return shape
    }

    /// The only layer that takes the input, not counting layers that do nothing in inference; nil if there are several.
    private var dividingLayer: (any KerasLayer)? {
        guard let ends else {
            for member in members {
                guard case .layer(let layer, _, _) = member.content else { continue }
                if !(layer is any KerasPassThrough) { return layer }
            }
            return nil
        }
        var name = ends.input.layer
        for _ in members {
            let next = members.filter { $0.calls.contains { $0.inputs.contains { $0.layer == name } } }
            guard next.count == 1, case .layer(let layer, _, _) = next[0].content, next[0].calls.count == 1 else {
                return nil
            }
            guard layer is any KerasPassThrough else { return layer }
            name = next[0].name
        }
        return nil
    }

    /// The first layer that is not an InputLayer.
    var firstLayer: (any KerasLayer)? {
        for member in members {
            switch member.content {
            case .layer(let layer, _, _): return layer
            case .model(let model): return model.firstLayer
            case .input, .operation: continue
            }
        }
        return nil
    }

    /// Returns whether the model or a nested model has an operation.
    func hasOperation(_ name: String) -> Bool {
        members.contains { member in
            switch member.content {
            case .operation(let operation): operation.name == name
            case .model(let model): model.hasOperation(name)
            case .input, .layer: false
            }
        }
    }
}
