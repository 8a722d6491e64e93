import FoundationEssentials
import Wire

/// A Sequential or Functional model as Keras' JSON describes it. The JSON is `config.json` of a `.keras` archive, the
/// attribute `model_config` of a legacy `.h5` file, or the `architecture` of Sluice's own format. The JSON does not
/// contain the weights.
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
        KerasConcatenate.self, KerasAdd.self, KerasSubtract.self, KerasMultiply.self, KerasAverage.self,
        KerasMaximum.self, KerasMinimum.self, KerasDot.self, KerasAttention.self, KerasAdditiveAttention.self,
    ]
    /// The maximum number of layers in a model. Together with the maximum number of features per layer, this limit
    /// bounds the memory that a model needs.
    private static let maximumLayers = 512
    /// The maximum nesting of arrays and objects, which is several times deeper than Keras writes.
    private static let maximumDepth = 64

    /// One layer with its name and its input and output shapes.
    package struct NamedLayer: Sendable {
        /// The layer's name, after the names of the nested models that contain it: `encoder/lstm`.
        package let name: String
        package let className: String
        let layer: any KerasLayer
        /// Whether training changes the layer's weights.
        package let isTrainable: Bool
        /// The shapes of the layer's first call.
        let inputShape: KerasShape
        let outputShape: KerasShape

        /// Whether this is an operation between layers, such as a slice.
        package var isOperation: Bool { layer is KerasOperation }
        /// The layer's own name.
        package var shortName: String { name.split(separator: "/").last.map(String.init) ?? name }
        package var weights: [KerasWeight] { layer.weights }
    }

    /// The model's name.
    package let name: String
    /// The layers in order, without the InputLayer, which has neither weights nor a row in `summary()`.
    package let layers: [NamedLayer]
    /// The layers and nested models in the order of the file.
    package let members: [Member]
    /// The calls of the layers. Value 0 is the model's input, and value n + 1 is the output of call n.
    let calls: [KerasGraph.Call]
    /// The rule for the masks of merges.
    let maskRule: KerasMaskRule
    /// The model's input shape. An axis whose length the file does not state may have any length.
    let inputShape: KerasShape
    /// The conditions under which the engine gives Keras' own answers, each as the end of a sentence about the model.
    let cautions: [String]

    /// Whether each timestep of the model's input is a token.
    let takesTokens: Bool

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
        let model: KerasModel
        let decoder = JSONDecoder()
        if let key = KerasVersion.key {
            decoder.userInfo[key] = KerasVersion(kerasVersion)
        }
        do {
            model = try decoder.decode(KerasModel.self, from: Data(json))
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
        let graph = try KerasGraph(model, version: KerasVersion(kerasVersion))
        guard graph.layers.count <= Self.maximumLayers else {
            throw Defect(
                .unsupported, "\(graph.layers.count) layers are not supported; supported: \(Self.maximumLayers)")
        }
        // The layers of a chain are in the order of their calls, even if the file has another order.
        let isChain = graph.isChain
        let called = Set(graph.calls.map(\.layer))
        let order = isChain ? graph.calls.map(\.layer) : graph.layers.indices.filter(called.contains)
        let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        layers = order.map { place in
            let layer = graph.layers[place]
            let call = graph.calls.first { $0.layer == place }
            return NamedLayer(
                name: layer.name, className: layer.className, layer: layer.layer, isTrainable: layer.isTrainable,
                inputShape: call?.inputShapes.first ?? graph.inputShape,
                outputShape: call?.outputShape ?? graph.inputShape)
        }
        calls = graph.calls.map { $0.renumbered(places) }
        members = isChain && model.isFlat ? layers.indices.map(Member.layer) : Member.all(of: model, graph, places)
        maskRule = graph.maskRule
        takesTokens = graph.takesTokens
        inputShape = graph.inputShape
        cautions = graph.cautions
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

extension KerasArchitecture {
    /// A layer of the model, or a model nested in it.
    package indirect enum Member: Sendable {
        /// The layer at a place in ``KerasArchitecture/layers``.
        case layer(Int)
        /// A nested model with its members.
        case model(name: String, className: String, [Member])

        /// The places of the layers, in order.
        fileprivate var places: [Int] {
            switch self {
            case .layer(let place): [place]
            case .model(_, _, let members): members.flatMap(\.places)
            }
        }

        /// Returns the members of a model.
        ///
        /// - Parameters:
        ///   - model: The model.
        ///   - graph: The graph of the whole architecture.
        ///   - places: The place of each of the graph's layers in ``KerasArchitecture/layers``.
        ///   - path: The names of the enclosing models.
        /// - Returns: The members in the order of the file.
        static func all(
            of model: KerasModel, _ graph: KerasGraph, _ places: [Int: Int], in path: String = ""
        ) -> [Member] {
            model.members.compactMap { member in
                if case .model(let inner) = member.content {
                    return .model(
                        name: member.name, className: member.className,
                        all(of: inner, graph, places, in: "\(path)\(member.name)/"))
                }
                return graph.place(of: path + member.name).flatMap { places[$0] }.map(Member.layer)
            }
        }
    }

    /// Whether no model is nested in this one.
    var isFlat: Bool { !members.contains { if case .model = $0 { true } else { false } } }

    /// Returns the layers of some members, in order.
    package func layers(in members: [Member]) -> [NamedLayer] {
        members.flatMap(\.places).map { layers[$0] }
    }
}
