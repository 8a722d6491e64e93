import FoundationEssentials
import Recurrent

/// A layer as Keras' configuration describes it, before its weights are read.
///
/// A new kind of layer is a file of its own with a type that conforms, and a row in ``KerasArchitecture/kinds``. A
/// type decodes the options that change an answer from the layer's `config`, and refuses, while it decodes, each that
/// it does not compute: it throws a ``Defect`` with the code `unsupported`.
protocol KerasLayer: Decodable, Sendable {
    /// The class name in Keras' configuration, such as `LSTM`.
    static var className: String { get }

    /// Where the layer's weights stand, in the order in which ``build(weights:)`` takes them.
    var weights: [KerasWeight] { get }

    /// Whether the layer keeps its state from one call of `predict` to the next; nil for a layer without state.
    var isStateful: Bool? { get }

    /// Whether a timestep of the layer's input is the number of a token, so that it can only stand first.
    var takesTokens: Bool { get }

    /// The shape that the layer gives for an input.
    ///
    /// - Throws: ``Defect`` where the layer cannot take it.
    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape

    /// Builds the engine's layer.
    ///
    /// - Parameters:
    ///   - weights: Those of ``weights`` that are read.
    ///   - input: A shape that ``outputShape(of:)`` took.
    /// - Returns: The layer, or nil where it changes nothing.
    /// - Throws: ``ModelError`` where a weight's shape does not fit.
    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)?
}

/// What holds for most layers.
extension KerasLayer {
    var weights: [KerasWeight] { [] }
    var isStateful: Bool? { nil }
    var takesTokens: Bool { false }

    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape { input }
}

/// What one weight of a layer is called, and where a `.keras` archive keeps it.
package struct KerasWeight: Sendable {
    /// In `model.weights.h5` of a `.keras` archive, below the layer's group: `cell/vars/0`.
    package let archivePath: String
    /// Its name in the layer, `kernel`; of a Bidirectional's two layers with the direction before it: `forward/kernel`.
    package let name: String
    /// Whether an answer needs it. It must be in a file of Keras all the same.
    package let isRead: Bool

    init(archivePath: String, name: String, isRead: Bool = true) {
        self.archivePath = archivePath
        self.name = name
        self.isRead = isRead
    }

    /// The same weight of a layer within another.
    ///
    /// - Parameters:
    ///   - archivePath: Where the layer stands below the other's group in a `.keras` archive.
    ///   - prefix: What tells it from a weight of the same name there; nil where there is none.
    /// - Returns: Where the weight is found.
    func nested(in archivePath: String, prefix: String? = nil) -> KerasWeight {
        KerasWeight(
            archivePath: "\(archivePath)/\(self.archivePath)", name: prefix.map { "\($0)/\(name)" } ?? name,
            isRead: isRead)
    }

    /// Weights that stand in one group in the order of their names.
    static func list(archivePath: String, names: [String]) -> [KerasWeight] {
        names.enumerated().map { KerasWeight(archivePath: "\(archivePath)/\($0.offset)", name: $0.element) }
    }
}

/// What one layer hands to the next: a shape with the batch axis first, where nil is an axis of any length.
struct KerasShape: Decodable, Equatable, CustomStringConvertible {
    /// How wide a timestep may be for a layer whose weights do not tell.
    private static let maximumFeatures = 1 << 16

    let axes: [Int?]
    /// Whether some of the timesteps may be masked.
    let isMasked: Bool

    /// The length of the last axis, 0 where it is not known.
    var features: Int { (axes.last ?? nil) ?? 0 }

    init(_ axes: [Int?], isMasked: Bool = false) {
        self.axes = axes
        self.isMasked = isMasked
    }

    init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode([Int?].self))
    }

    /// The same timesteps with another width.
    func withFeatures(_ features: Int) -> KerasShape {
        KerasShape(axes.dropLast() + [features], isMasked: isMasked)
    }

    /// The same shape, for a layer that is as wide as its input.
    ///
    /// - Throws: ``Defect`` where it is no shape of timesteps, or the file does not tell how wide they are.
    func withKnownFeatures() throws(Defect) -> KerasShape {
        guard (2...3).contains(axes.count), (1...Self.maximumFeatures).contains(features) else {
            throw Defect(
                .unsupported,
                "is given \(self); supported: (batch, timesteps, features) with 1 to \(Self.maximumFeatures) features")
        }
        return self
    }

    /// The shape as Keras' `summary()` prints it: `(None, 24, 10)`.
    var description: String {
        let lengths = axes.map { axis in axis.map { "\($0)" } ?? "None" }
        return lengths.count == 1 ? "(\(lengths.joined()),)" : "(\(lengths.joined(separator: ", ")))"
    }
}
