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

    /// The shape that the layer gives for an input.
    ///
    /// - Throws: ``Defect`` where the layer cannot take it.
    func outputShape(of input: KerasShape) throws(Defect) -> KerasShape

    /// The engine's layer.
    ///
    /// - Throws: ``ModelError`` where a weight's shape does not fit.
    func build(weights: [Tensor]) throws(ModelError) -> Layer
}

/// Where both formats keep one weight of a layer.
struct KerasWeight {
    /// In `model.weights.h5` of a `.keras` archive, below the layer's group: `cell/vars/0`.
    let archivePath: String
    /// The last component of its path in a legacy `.h5` file: `kernel`.
    let legacyName: String
}

/// A shape with the batch axis first; nil is an axis of any length.
struct KerasShape: Decodable, Equatable, CustomStringConvertible {
    let axes: [Int?]

    init(_ axes: [Int?]) {
        self.axes = axes
    }

    init(from decoder: any Decoder) throws {
        axes = try decoder.singleValueContainer().decode([Int?].self)
    }

    /// The shape as Keras' `summary()` prints it: `(None, 24, 10)`.
    var description: String {
        let lengths = axes.map { axis in axis.map { "\($0)" } ?? "None" }
        return lengths.count == 1 ? "(\(lengths.joined()),)" : "(\(lengths.joined(separator: ", ")))"
    }
}

/// The largest number of units that a layer may have: far more than any model of streams, far less than overflows.
private let maximumUnits = 1 << 20

extension KeyedDecodingContainer {
    /// A Boolean option of a layer, false where the file does not have it.
    func flag(_ key: Key) throws -> Bool {
        try decodeIfPresent(Bool.self, forKey: key) ?? false
    }

    /// Refuses a layer with an option that is not computed.
    func refuse(_ key: Key) throws {
        if try flag(key) {
            throw Defect(.unsupported, "\(key.stringValue)=True is not supported; supported: False")
        }
    }

    /// The number of units of a layer.
    func units(_ key: Key) throws -> Int {
        let units = try decode(Int.self, forKey: key)
        guard (1...maximumUnits).contains(units) else {
            throw Defect(.unsupported, "\(units) units are not supported; supported: 1 to \(maximumUnits)")
        }
        return units
    }

    /// An activation: a name, or null for none, which is linear.
    ///
    /// - Parameters:
    ///   - key: Keras' name of the option.
    ///   - standard: What Keras takes where the file does not have the option.
    /// - Throws: ``Defect`` where it is not one that the engine computes.
    func activation(_ key: Key, standard: Activation) throws -> Activation {
        guard contains(key) else { return standard }
        if try decodeNil(forKey: key) { return .linear }
        let supported = Activation.allCases.map(\.rawValue).joined(separator: ", ")
        guard let name = try? decode(String.self, forKey: key) else {
            throw Defect(.unsupported, "\(key.stringValue) is not a named function; supported: \(supported)")
        }
        guard let activation = Activation(rawValue: name) else {
            throw Defect(.unsupported, "\(key.stringValue)='\(name)' is not supported; supported: \(supported)")
        }
        return activation
    }
}
