import FoundationEssentials
import Wire

/// A Sequential model, or a Functional model that is a single chain, as Keras' JSON describes it. The JSON is
/// `config.json` of a `.keras` archive, the attribute `model_config` of a legacy `.h5` file, or the `architecture` of
/// Sluice's own format. The JSON does not contain the weights.
package struct KerasArchitecture: Sendable {
    /// The supported kinds of layers besides `InputLayer`, which only states a shape.
    static let kinds: [any KerasLayer.Type] = [
        KerasLSTM.self, KerasGRU.self, KerasSimpleRNN.self, KerasBidirectional.self, KerasDense.self,
        KerasTimeDistributed.self, KerasEmbedding.self, KerasMasking.self, KerasConv1D.self, KerasMaxPooling1D.self,
        KerasAveragePooling1D.self, KerasZeroPadding1D.self, KerasCropping1D.self, KerasUpSampling1D.self,
        KerasGlobalAveragePooling1D.self, KerasGlobalMaxPooling1D.self, KerasRepeatVector.self, KerasFlatten.self,
        KerasReshape.self, KerasActivationLayer.self, KerasReLU.self, KerasLeakyReLU.self, KerasPReLU.self,
        KerasELU.self, KerasSoftmax.self, KerasRescaling.self, KerasNormalization.self, KerasLayerNormalization.self,
        KerasBatchNormalization.self, KerasDropout.self, KerasSpatialDropout1D.self, KerasGaussianNoise.self,
        KerasGaussianDropout.self, KerasAlphaDropout.self, KerasActivityRegularization.self,
    ]
    /// The maximum number of layers in a model. Together with the maximum number of features per layer, this limit
    /// bounds the memory that a model needs.
    private static let maximumLayers = 512
    /// The maximum nesting of arrays and objects, which is several times deeper than Keras writes.
    private static let maximumDepth = 64

    /// One layer with its name and its input and output shapes.
    package struct NamedLayer: Sendable {
        package let name: String
        let layer: any KerasLayer
        /// Whether training changes the layer's weights.
        let isTrainable: Bool
        let inputShape: KerasShape
        let outputShape: KerasShape

        package var className: String { type(of: layer).className }
        package var weights: [KerasWeight] { layer.weights }
    }

    /// The model's name.
    package let name: String
    /// The layers in order, without the InputLayer, which has neither weights nor a row in `summary()`.
    package let layers: [NamedLayer]
    /// The model's input shape. An axis whose length the file does not state may have any length.
    let inputShape: KerasShape
    /// The conditions under which the engine gives Keras' own answers, each as the end of a sentence about the model.
    let cautions: [String]

    /// Whether each timestep of the model's input is a token.
    var takesTokens: Bool { layers.first?.layer.takesTokens ?? false }

    /// The number of timesteps in the input's shape; nil if the model takes any number.
    var sequenceLength: Int? {
        inputShape.axes.count == (takesTokens ? 2 : 3) ? inputShape.axes[1] : nil
    }

    /// Whether the input is a vector instead of a sequence.
    var takesOneTimestep: Bool { !takesTokens && inputShape.axes.count == 2 }

    /// Decodes Keras' JSON.
    ///
    /// - Parameters:
    ///   - json: The text, in UTF-8.
    ///   - source: The origin of the JSON, for error messages.
    ///   - kerasVersion: The version that wrote the file, such as `3.15.1`, if the file states it.
    /// - Throws: ``Defect`` with the code `corrupt` if the text is not the JSON of a Keras model. The code is
    ///   `unsupported` if the model or a layer needs something that the engine lacks.
    package init(json: [UInt8], source: String, kerasVersion: String?) throws(Defect) {
        guard !JSONValue.isNested(json, deeperThan: Self.maximumDepth) else {
            throw Defect(.corrupt, "\(source): nested deeper than \(Self.maximumDepth) arrays and objects")
        }
        let model: ModelConfiguration
        let decoder = JSONDecoder()
        if let key = KerasVersion.key {
            decoder.userInfo[key] = KerasVersion(kerasVersion)
        }
        do {
            model = try decoder.decode(ModelConfiguration.self, from: Data(json))
        } catch let defect as Defect {
            throw defect
        } catch let error as DecodingError {
            if let number = PythonNumber.first(in: json) {
                throw Defect(
                    .unsupported,
                    "\(source): \(number) is not supported, because JSON has no such number; save the model with a finite "
                        + "number in its place")
            }
            throw Defect(.corrupt, "\(source): \(error.inWords)")
        } catch {
            throw Defect(.corrupt, "\(source): \(error)")
        }
        name = model.name
        guard model.layers.count <= Self.maximumLayers else {
            throw Defect(
                .unsupported, "\(model.layers.count) layers are not supported; supported: \(Self.maximumLayers)")
        }
        let takesTokens = model.takesTokens
        inputShape =
            model.inputShape.map { model.sequenceShape(of: $0) }
            ?? KerasShape(takesTokens ? [nil, nil] : [nil, nil, nil])
        var shape = inputShape
        var layers: [NamedLayer] = []
        var cautions: [String] = []
        for configuration in model.layers {
            switch configuration {
            case .input(let name, let dtype):
                do {
                    try takesTokens ? dtype?.requireTokens() : dtype?.requireValues()
                } catch {
                    throw error.inLayer(name, className: "InputLayer")
                }
                if !takesTokens, let caution = dtype?.valueCaution { cautions.append(caution) }
            case .layer(let name, let layer, let isTrainable, let dtype):
                if let caution = dtype?.layerCaution, !cautions.contains(caution) { cautions.append(caution) }
                let named = try NamedLayer(
                    name: name, layer: layer, isTrainable: isTrainable, inputShape: shape, isFirst: layers.isEmpty)
                shape = named.outputShape
                layers.append(named)
            }
        }
        self.layers = layers
        self.cautions = cautions
    }

    /// Returns whether the model keeps its state from one call to the next, according to its recurrent layers.
    ///
    /// - Throws: ``Defect`` if the layers differ, because the engine either keeps or resets a model's state as a whole.
    func isStateful() throws(Defect) -> Bool {
        let recurrent = layers.filter { $0.layer.isStateful != nil }
        for other in recurrent where other.layer.isStateful != recurrent.first?.layer.isStateful {
            throw Defect(.unsupported, "stateful differs from the layers before; supported: the same in all layers")
                .inLayer(other.name, className: other.className)
        }
        return recurrent.first?.layer.isStateful ?? false
    }
}

extension KerasArchitecture.NamedLayer {
    /// Determines the layer's output shape.
    ///
    /// - Throws: ``Defect`` that names the layer, if the layer cannot take the input.
    fileprivate init(
        name: String, layer: any KerasLayer, isTrainable: Bool, inputShape: KerasShape, isFirst: Bool
    ) throws(Defect) {
        do throws(Defect) {
            guard isFirst || !layer.takesTokens else {
                throw Defect(.unsupported, "after another layer is not supported; supported: as first layer")
            }
            outputShape = try layer.outputShape(of: inputShape)
        } catch {
            throw error.inLayer(name, className: type(of: layer).className)
        }
        self.name = name
        self.layer = layer
        self.isTrainable = isTrainable
        self.inputShape = inputShape
    }
}

/// The JSON of a model. Keys that are not decoded, such as those for compiling, do not affect the model's outputs.
private struct ModelConfiguration: Decodable {
    let name: String
    let layers: [LayerConfiguration]
    /// The name that Keras gives to an unnamed model.
    private static let standardName = "sequential"

    /// The shape that the InputLayer or the first layer states, or that the model was built with.
    let inputShape: KerasShape?

    /// Whether the first layer, not counting an InputLayer, takes tokens.
    var takesTokens: Bool {
        for case .layer(_, let layer, _, _) in layers {
            return layer.takesTokens
        }
        return false
    }

    /// Returns the shape of the sequences that a model takes.
    ///
    /// A model may take a sequence as one vector, which its first layer divides into timesteps. The model then takes the
    /// same values as timesteps, and the first layer changes nothing.
    func sequenceShape(of input: KerasShape) -> KerasShape {
        guard input.axes.count == 2, !takesTokens else { return input }
        for case .layer(_, let layer, _, _) in layers where !(layer is any KerasPassThrough) {
            guard layer is KerasReshape, let shape = try? layer.outputShape(of: input) else { break }
            return shape.axes.count == 3 ? shape : input
        }
        return input
    }

    private enum Key: String, CodingKey {
        case name, layers, config
        case buildInputShape = "build_input_shape"
        case inputs = "input_layers"
        case outputs = "output_layers"
    }

    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        let className = try KerasClass(from: decoder).name
        guard let config = try? object.nestedContainer(keyedBy: Key.self, forKey: .config) else {
            // Before Keras 2.2.3, a Sequential model was the list of its layers and had no name.
            name = Self.standardName
            layers = try object.decode([LayerConfiguration].self, forKey: .config)
            inputShape = try object.decode([FirstLayerShape].self, forKey: .config).first?.shape
            try requireInputFirst()
            return
        }
        let indices: [Int]?
        switch className {
        case "Sequential": indices = nil
        case "Functional", "Model":
            indices = try KerasFunctionalChain(
                config.decode([KerasFunctionalChain.Node].self, forKey: .layers),
                inputs: config.decode(KerasFunctionalChain.Ends.self, forKey: .inputs).names,
                outputs: config.decode(KerasFunctionalChain.Ends.self, forKey: .outputs).names
            ).indices
        default:
            throw Defect(
                .unsupported,
                "models of the class '\(className)' are not supported; supported: Sequential, and Functional as one chain"
            )
        }
        name = try config.decodeIfPresent(String.self, forKey: .name) ?? Self.standardName
        layers = try Self.layers(config, at: indices)
        let shapes = try config.decode([FirstLayerShape].self, forKey: .layers)
        let first = indices?.first ?? 0
        inputShape =
            try (first < shapes.count ? shapes[first].shape : nil)
            ?? config.decodeIfPresent(KerasShape.self, forKey: .buildInputShape)
        try requireInputFirst()
    }

    private func requireInputFirst() throws(Defect) {
        for case .input(let name, _) in layers.dropFirst() {
            throw Defect(.unsupported, "an InputLayer after another layer is not supported; supported: as first layer")
                .inLayer(name, className: "InputLayer")
        }
    }

    /// Returns the layers at the given positions, in the given order; all layers if `indices` is nil.
    private static func layers(
        _ config: KeyedDecodingContainer<Key>, at indices: [Int]?
    ) throws -> [LayerConfiguration] {
        guard let indices else { return try config.decode([LayerConfiguration].self, forKey: .layers) }
        var list = try config.nestedUnkeyedContainer(forKey: .layers)
        var layers: [Int: LayerConfiguration] = [:]
        while !list.isAtEnd {
            let index = list.currentIndex
            let decoder = try list.superDecoder()
            if indices.contains(index) { layers[index] = try LayerConfiguration(from: decoder) }
        }
        return indices.compactMap { layers[$0] }
    }
}

/// The JSON of one layer, decoded as the kind of layer that its class name selects.
private enum LayerConfiguration: Decodable {
    case input(name: String, dtype: KerasDType?)
    case layer(name: String, any KerasLayer, isTrainable: Bool, dtype: KerasDType?)

    private enum Key: String, CodingKey {
        case config, dtype, layer, name, ragged, sparse, trainable
    }

    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        let className = try KerasClass(from: decoder).name
        let config = try object.nestedContainer(keyedBy: Key.self, forKey: .config)
        let name = try config.decode(String.self, forKey: .name)
        let isInput = className == "InputLayer"
        let kind = KerasArchitecture.kinds.first { $0.className == className }
        guard isInput || kind != nil else {
            if let words = Self.refusal(of: className) {
                throw Defect(
                    .unsupported, layer: name, "layer '\(name)' (\(className)) is not supported, because it \(words)")
            }
            let supported = (["InputLayer"] + KerasArchitecture.kinds.map { $0.className }).joined(separator: ", ")
            throw Defect(
                .unsupported, layer: name,
                "layer '\(name)' (\(className)) is not supported; supported layers: \(supported)")
        }
        do {
            let dtype = try config.decodeIfPresent(KerasDType.self, forKey: .dtype)
            if let kind {
                try dtype?.requireLayer()
                self = .layer(
                    name: name, try kind.init(from: object.superDecoder(forKey: .config)),
                    isTrainable: try Self.isTrainable(config), dtype: dtype)
            } else {
                try config.refuse(.sparse)
                try config.refuse(.ragged)
                self = .input(name: name, dtype: dtype)
            }
        } catch let defect as Defect {
            throw defect.inLayer(name, className: className)
        }
    }

    /// Returns the reason why a class cannot be supported, and what to do instead; nil if the class is merely not
    /// supported yet.
    private static func refusal(of className: String) -> String? {
        switch className {
        case "Lambda":
            "runs Python code; put a layer of Keras in its place, such as Rescaling, Activation or Dense"
        case "TextVectorization", "StringLookup", "IntegerLookup", "Hashing":
            "turns text or numbers into tokens; save the model without it, and send the tokens"
        case let name where name.contains(">"):
            "is a class of your own, whose code is not in the file; build the model of Keras' own layers"
        default: nil
        }
    }

    /// Returns whether a layer is trainable. If it wraps another layer, both must be trainable.
    private static func isTrainable(_ config: KeyedDecodingContainer<Key>) throws -> Bool {
        let inner = try? config.nestedContainer(keyedBy: Key.self, forKey: .layer)
            .nestedContainer(keyedBy: Key.self, forKey: .config)
        return try [config, inner].compactMap(\.self).allSatisfy {
            try $0.decodeIfPresent(Bool.self, forKey: .trainable) ?? true
        }
    }
}

/// The input shape that the first layer states. The first layer is an InputLayer; in Keras 2 files, it may be any
/// layer.
private struct FirstLayerShape: Decodable {
    let shape: KerasShape?

    private enum Key: String, CodingKey {
        case config
        case batchShape = "batch_shape"
        case batchInputShape = "batch_input_shape"
    }

    init(from decoder: any Decoder) throws {
        let config = try decoder.container(keyedBy: Key.self).nestedContainer(keyedBy: Key.self, forKey: .config)
        shape =
            try config.decodeIfPresent(KerasShape.self, forKey: .batchShape)
            ?? config.decodeIfPresent(KerasShape.self, forKey: .batchInputShape)
    }
}
