import FoundationEssentials
import Recurrent
import Wire

/// The description of a new model, before its weights are drawn.
package struct InitialModel {
    /// The shape of the input, the batch axis first; nil for any length.
    let inputShape: [Int?]
    /// The layers in order, without the input.
    let layers: [InitialLayer]

    /// The name that Keras gives to an unnamed model.
    private static let name = "sequential"

    /// Draws the weights with Keras' default initializers, and compiles the model with Adam.
    ///
    /// The loss depends on the model's outputs: cross-entropy for probabilities, otherwise the mean squared error.
    ///
    /// - Parameter seed: The seed of the generator. Equal seeds give equal models.
    /// - Returns: The model.
    /// - Throws: ``Defect`` if a layer needs something that the engine does not support.
    func document(seed: UInt64) throws(Defect) -> ModelDocument {
        let configuration = try configuration()
        let architecture = try KerasArchitecture(
            json: configuration, source: "config.json", kerasVersion: KerasConfiguration.version)
        var numbers = InitialNumbers(seed: seed)
        var tensors: [NamedTensor] = []
        var slots: [[Tensor]] = []
        for layer in architecture.layers {
            let initial = try layer.initialWeights(&numbers)
            for (weight, tensor) in zip(layer.weights, initial) {
                tensors.append(NamedTensor(name: layer.tensorName(weight), tensor: tensor))
                guard layer.isTrainable, weight.isTrainable else { continue }
                slots.append([tensor.zeros, tensor.zeros])
            }
        }
        let form = try ExchangeForm(
            architecture: configuration, kerasVersion: KerasConfiguration.version, sourceFormat: nil, tensors: tensors)
        let model = try ModelFile(form, format: "new").model
        let compilation = Self.compilation(of: model)
        return try ModelDocument(
            ExchangeForm(
                architecture: configuration, kerasVersion: KerasConfiguration.version, sourceFormat: nil,
                tensors: tensors, loss: compilation.loss,
                training: TrainingState(
                    compilation: compilation,
                    optimizer: OptimizerVariables(updates: 0, learningRate: 0.001, slots: slots))),
            format: "new", configuration: configuration)
    }

    private static func compilation(of model: Model) -> KerasCompilation {
        switch OutputMeaning(of: model, loss: nil) {
        case .probability where model.outputs == 1:
            KerasCompilation(loss: "binary_crossentropy", metrics: ["accuracy"])
        case .probability: KerasCompilation(loss: "sparse_categorical_crossentropy", metrics: ["accuracy"])
        case .logit, .number: KerasCompilation(loss: "mean_squared_error", metrics: [])
        }
    }

    /// Returns the text of `config.json`.
    private func configuration() throws(Defect) -> [UInt8] {
        var names = KerasNames()
        let takesTokens = layers.first?.className == KerasEmbedding.className
        let input = KerasConfiguration.inputLayer(KerasShape(inputShape), takesTokens: takesTokens)
        let values = [input] + layers.map { $0.json(&names) }
        let unbuilt = KerasConfiguration.encoded(Self.model(values, inputShape: inputShape))
        do {
            let architecture = try KerasArchitecture(
                json: unbuilt, source: "config.json", kerasVersion: KerasConfiguration.version)
            let built = zip(values.dropFirst(), architecture.layers).map { value, layer in
                value.adding("build_config", Self.buildConfig(layer.inputShape.axes))
            }
            return KerasConfiguration.encoded(Self.model([input] + built, inputShape: inputShape))
        } catch {
            throw located(error, values)
        }
    }

    /// Adds the line of the layers file that describes the layer at fault, if there is such a line.
    private func located(_ defect: Defect, _ values: [JSONValue]) -> Defect {
        let names = values.dropFirst().map { $0.members?["config"]?.members?["name"]?.text }
        guard let name = defect.layer, let index = names.firstIndex(of: name), let line = layers[index].line else {
            return defect
        }
        return Defect(defect.code, layer: name, "line \(line): \(defect.context)")
    }

    private static func model(_ layers: [JSONValue], inputShape: [Int?]) -> JSONValue {
        .object([
            "module": .string("keras"), "class_name": .string("Sequential"), "registered_name": .null,
            "config": .object([
                "name": .string(name), "trainable": .bool(true), "dtype": KerasDefaults.float32,
                "layers": .array(layers), "build_input_shape": axes(inputShape),
            ]),
            "build_config": buildConfig(inputShape),
        ])
    }

    private static func buildConfig(_ shape: [Int?]) -> JSONValue { .object(["input_shape": axes(shape)]) }

    private static func axes(_ shape: [Int?]) -> JSONValue {
        .array(shape.map { axis in axis.map { .integer(Int64($0)) } ?? .null })
    }
}

extension ModelDocument {
    /// Draws the weights of a new model.
    ///
    /// - Parameters:
    ///   - model: The model's description.
    ///   - seed: The seed of the generator. Equal seeds give equal models.
    ///   - source: The origin of the description, for error messages.
    /// - Returns: The model, compiled with Adam and a loss that suits its outputs.
    /// - Throws: ``ModelFileError`` with the code `unsupported` or `corrupt`.
    package static func initial(
        _ model: InitialModel, seed: UInt64, source: String
    ) throws(ModelFileError) -> ModelDocument {
        try ModelFile.named(source) { () throws(Defect) in try model.document(seed: seed) }
    }
}

extension KerasArchitecture.NamedLayer {
    fileprivate func initialWeights(_ numbers: inout InitialNumbers) throws(Defect) -> [Tensor] {
        do {
            return try layer.initialWeights(input: inputShape, &numbers)
        } catch {
            throw Defect(.unsupported, error.context).inLayer(name, className: className)
        }
    }
}

extension JSONValue {
    /// Returns an object with one more member.
    fileprivate func adding(_ name: String, _ value: JSONValue) -> JSONValue {
        .object((members ?? [:]).merging([name: value]) { $1 })
    }
}
