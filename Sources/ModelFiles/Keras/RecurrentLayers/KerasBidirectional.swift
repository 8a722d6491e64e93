import FoundationEssentials
import Recurrent

/// Keras' Bidirectional (<https://keras.io/api/layers/recurrent_layers/bidirectional/>) of an LSTM, a GRU or a
/// SimpleRNN.
struct KerasBidirectional: KerasLayer {
    static let className = "Bidirectional"

    private static let kinds: [any KerasRecurrentLayer.Type] = [KerasLSTM.self, KerasGRU.self, KerasSimpleRNN.self]

    private let forward: any KerasRecurrentLayer
    private let backward: any KerasRecurrentLayer
    private let merge: Bidirectional.Merge
    private let version: KerasVersion

    private enum Option: String, CodingKey {
        case layer
        case backwardLayer = "backward_layer"
        case mergeMode = "merge_mode"
    }

    private enum LayerKey: CodingKey {
        case config, dtype
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        let name = options.contains(.mergeMode) ? try options.decode(String?.self, forKey: .mergeMode) : "concat"
        guard let merge = name.flatMap(Bidirectional.Merge.init(rawValue:)) else {
            throw KerasActivation.refusal(
                "merge_mode", name ?? "None", supported: Bidirectional.Merge.allCases.map(\.rawValue))
        }
        self.merge = merge
        version = KerasVersion.of(decoder)
        forward = try Self.layer(options, .layer)
        guard !forward.options.goesBackwards else {
            throw Defect(.unsupported, "go_backwards=True of the forward layer is not supported; supported: False")
        }
        // If the file describes no backward layer, the backward layer has the options of the forward layer.
        let hasOwnBackward = try options.contains(.backwardLayer) && !options.decodeNil(forKey: .backwardLayer)
        backward = hasOwnBackward ? try Self.layer(options, .backwardLayer) : forward
        guard !hasOwnBackward || backward.options.goesBackwards else {
            throw Defect(.unsupported, "go_backwards=False of the backward layer is not supported; supported: True")
        }
        guard forward.options.returnsSequences == backward.options.returnsSequences,
            forward.options.isStateful == backward.options.isStateful
        else {
            throw Defect(
                .unsupported,
                "layers that differ in return_sequences or stateful are not supported; supported: the same in both")
        }
    }

    private static func layer(
        _ options: KeyedDecodingContainer<Option>, _ key: Option
    ) throws -> any KerasRecurrentLayer {
        let object = try options.nestedContainer(keyedBy: LayerKey.self, forKey: key)
        let className = try options.decode(KerasClass.self, forKey: key).name
        guard let kind = kinds.first(where: { $0.className == className }) else {
            throw Defect(
                .unsupported,
                "Bidirectional of the layer '\(className)' is not supported; supported: "
                    + kinds.map { $0.className }.joined(separator: ", "))
        }
        try object.nestedContainer(keyedBy: LayerKey.self, forKey: .config)
            .decodeIfPresent(KerasDType.self, forKey: .dtype)?.requireLayer()
        return try object.decode(kind, forKey: .config)
    }

    var weights: [KerasWeight] {
        forward.weights.map { $0.nested(in: "forward_layer", prefix: "forward") }
            + backward.weights.map { $0.nested(in: "backward_layer", prefix: "backward") }
    }

    var activations: [Activation] {
        let both = [forward.activations, backward.activations]
        return both[0] == both[1] ? both[0] : both.flatMap(\.self)
    }

    var isStateful: Bool? { forward.isStateful }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        let output = try forward.outputShape(of: input)
        return merge == .concat ? output.withFeatures(2 * output.features) : output
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        let returnsSequences = forward.options.returnsSequences
        // If the layer returns sequences and timesteps are masked, Keras overrides zero_output_for_mask of both layers.
        // Stand-alone Keras 2 does not have this option.
        let setsZeros = returnsSequences && input.isMasked && !version.isStandAlone
        let maskedOutput = setsZeros ? MaskedOutput.zeros : .lastOutput
        let count = forward.weights.count
        return try Bidirectional(
            forward: forward.recurrentLayer(weights: Array(weights.prefix(count)), maskedOutput: maskedOutput),
            backward: backward.recurrentLayer(weights: Array(weights.dropFirst(count)), maskedOutput: maskedOutput),
            merge: merge, returnsSequences: returnsSequences)
    }

    func initialWeights(input: KerasShape, _ numbers: inout InitialNumbers) throws(ModelError) -> [Tensor] {
        try forward.initialWeights(input: input, &numbers) + backward.initialWeights(input: input, &numbers)
    }
}
