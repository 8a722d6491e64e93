import FoundationEssentials
import Recurrent

/// Keras' Conv1D (<https://keras.io/api/layers/convolution_layers/convolution1d/>).
struct KerasConv1D: KerasLayer {
    static let className = "Conv1D"

    private let filters: Int
    private let window: SlidingWindow
    private let activation: Activation
    private let groups: Int
    private let usesBias: Bool
    private let lowRank: LowRank?

    private enum Option: String, CodingKey {
        case filters, strides, padding, activation, groups
        case size = "kernel_size"
        case dilation = "dilation_rate"
        case usesBias = "use_bias"
        case dataFormat = "data_format"
    }

    init(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        try options.requireChannelsLast(.dataFormat)
        filters = try options.units(.filters)
        window = try SlidingWindow(
            size: options.length(.size), stride: options.length(.strides, standard: 1),
            dilation: options.length(.dilation, standard: 1),
            padding: options.padding(.padding, of: [.valid, .same, .causal]))
        activation = try options.activation(.activation, standard: .linear)
        groups = try options.length(.groups, standard: 1)
        usesBias = try options.decodeIfPresent(Bool.self, forKey: .usesBias) ?? true
        lowRank = try LowRank(from: decoder)
    }

    var weights: [KerasWeight] {
        [KerasWeight(archivePath: "vars/0", name: "kernel", lowRank: lowRank)]
            + (usesBias ? [KerasWeight(archivePath: "vars/1", name: "bias")] : [])
    }

    var activations: [Activation] { [activation] }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape {
        guard input.features.isMultiple(of: groups), filters.isMultiple(of: groups) else {
            throw Defect(
                .unsupported,
                "groups=\(groups) of \(input.features) features and \(filters) filters is not supported; supported: a "
                    + "divisor of both")
        }
        return try input.withTimesteps(features: filters) { window.count(in: $0) }
    }

    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? {
        try Convolution(
            units: filters, window: window, activation: activation, groups: groups, kernel: weights[0],
            bias: usesBias ? weights[1] : nil)
    }
}
