import FoundationEssentials
import Recurrent

/// A layer as Keras' configuration describes it, before its weights are read.
///
/// To add a kind of layer, write a file with a conforming type and add the type to ``KerasArchitecture/kinds``. The
/// type decodes from the layer's `config` the options that affect the outputs. If an option is not supported, decoding
/// throws a ``Defect`` with the code `unsupported`.
protocol KerasLayer: Decodable, Sendable {
    /// The class name in Keras' configuration, such as `LSTM`.
    static var className: String { get }

    /// The layer's weights, in the order in which ``build(weights:input:)`` takes them.
    var weights: [KerasWeight] { get }

    /// Whether the layer keeps its state from one call of `predict` to the next; nil for a layer without state.
    var isStateful: Bool? { get }

    /// The functions that the layer applies. For a recurrent layer, the cell's function is first, then the gates'
    /// function.
    var activations: [Activation] { get }

    /// Whether the layer takes tokens. If so, it must be the first layer.
    var takesTokens: Bool { get }

    /// The value that masks a timestep of the input, if the layer generates masks; otherwise nil.
    var maskedValue: Float? { get }

    /// Returns the layer's output shape for an input.
    ///
    /// - Throws: ``Defect`` if the layer cannot take the input.
    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape

    /// Builds the engine's layer.
    ///
    /// - Parameters:
    ///   - weights: The tensors of those ``weights`` whose `isRead` is true, in the same order.
    ///   - input: A shape that ``outputShape(of:)`` accepted.
    /// - Returns: The engine's layer, or nil if the layer changes nothing.
    /// - Throws: ``ModelError`` if a weight has the wrong shape.
    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)?

    /// Returns values for a new layer's ``weights``, drawn with Keras' default initializers.
    ///
    /// - Parameters:
    ///   - input: A shape that ``outputShape(of:)`` accepted.
    ///   - numbers: The source of random numbers.
    /// - Returns: The weights.
    /// - Throws: ``ModelError`` if the layer would have too many weights, or needs data for its weights.
    func initialWeights(input: KerasShape, _ numbers: inout InitialNumbers) throws(ModelError) -> [Tensor]
}

/// The defaults for most layers.
extension KerasLayer {
    var weights: [KerasWeight] { [] }
    var isStateful: Bool? { nil }
    var activations: [Activation] { [] }
    var takesTokens: Bool { false }
    var maskedValue: Float? { nil }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape { input }

    func initialWeights(input: KerasShape, _ numbers: inout InitialNumbers) throws(ModelError) -> [Tensor] { [] }
}

/// The name of a layer's weight and its path in a `.keras` archive.
package struct KerasWeight: Sendable {
    /// The path in `model.weights.h5` of a `.keras` archive, relative to the layer's group: `cell/vars/0`.
    package let archivePath: String
    /// The name within the layer, such as `kernel`. In a Bidirectional, the direction is a prefix: `forward/kernel`.
    package let name: String
    /// Whether the model's outputs depend on the weight. A Keras file must contain the weight either way.
    package let isRead: Bool
    /// Whether the weight is trainable. Statistics of the data, such as a moving mean, are not.
    package let isTrainable: Bool
    /// The scale of the low-rank matrices that an `.h5` file stores beside the weight; nil if there are none.
    package let lowRank: LowRank?

    init(
        archivePath: String, name: String, isRead: Bool = true, isTrainable: Bool = true, lowRank: LowRank? = nil
    ) {
        self.lowRank = lowRank
        self.archivePath = archivePath
        self.name = name
        self.isRead = isRead
        self.isTrainable = isTrainable
    }

    /// Returns the weight as seen from an enclosing layer.
    ///
    /// - Parameters:
    ///   - archivePath: The inner layer's path in a `.keras` archive, relative to the outer layer's group.
    ///   - prefix: A prefix that distinguishes the weight from others with the same name; nil for none.
    /// - Returns: The weight.
    func nested(in archivePath: String, prefix: String? = nil) -> KerasWeight {
        KerasWeight(
            archivePath: "\(archivePath)/\(self.archivePath)", name: prefix.map { "\($0)/\(name)" } ?? name,
            isRead: isRead, isTrainable: isTrainable, lowRank: lowRank)
    }

    /// Returns the weights of one group, in the order of the given names.
    static func list(archivePath: String, names: [String]) -> [KerasWeight] {
        names.enumerated().map { KerasWeight(archivePath: "\(archivePath)/\($0.offset)", name: $0.element) }
    }
}

/// The shape of the data between layers. The batch axis is first. Nil stands for an axis of any length.
struct KerasShape: Decodable, Equatable, CustomStringConvertible {
    /// The maximum width of a timestep for a layer whose weights do not determine the width.
    private static let maximumFeatures = 1 << 16

    let axes: [Int?]
    /// Whether some timesteps may be masked.
    let isMasked: Bool

    /// The length of the last axis; 0 if unknown.
    var features: Int { (axes.last ?? nil) ?? 0 }

    init(_ axes: [Int?], isMasked: Bool = false) {
        self.axes = axes
        self.isMasked = isMasked
    }

    init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode([Int?].self))
    }

    /// Returns the shape with a different number of features.
    func withFeatures(_ features: Int) -> KerasShape {
        KerasShape(axes.dropLast() + [features], isMasked: isMasked)
    }

    /// Returns the same shape, for a layer whose output is as wide as its input.
    ///
    /// - Throws: ``Defect`` if this is not a shape of timesteps, or if the file does not state the width.
    func withKnownFeatures() throws(Defect) -> KerasShape {
        guard (2...3).contains(axes.count), (1...Self.maximumFeatures).contains(features) else {
            throw Defect(
                .unsupported,
                "is given \(self); supported: (batch, timesteps, features) with 1 to \(Self.maximumFeatures) features")
        }
        return self
    }

    /// The shape in the notation of Keras' `summary()`: `(None, 24, 10)`.
    var description: String {
        let lengths = axes.map { axis in axis.map { "\($0)" } ?? "None" }
        return lengths.count == 1 ? "(\(lengths.joined()),)" : "(\(lengths.joined(separator: ", ")))"
    }
}
