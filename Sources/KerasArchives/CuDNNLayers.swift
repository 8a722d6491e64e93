#if Keras
import FoundationEssentials
import ModelFiles
import Recurrent
import Wire

/// The layers CuDNNLSTM and CuDNNGRU of Keras 2, which run only on a graphics processor. They compute the same outputs
/// as an LSTM or a GRU with certain options, but store the weights in a different layout.
///
/// When a file is read, each of these layers becomes an LSTM or a GRU, as when Keras loads the weights of one kind of
/// layer into the other (<https://github.com/keras-team/tf-keras/blob/v2.15.0/tf_keras/saving/legacy/hdf5_format.py>).
struct CuDNNLayers {
    /// For each class, the class that replaces it, and the options that the replacement needs.
    private static let replacements: [String: (className: String, options: [String: JSONValue])] = [
        "CuDNNLSTM": ("LSTM", [:]),
        "CuDNNGRU": ("GRU", ["reset_after": .bool(true)]),
    ]

    /// The configuration with all cuDNN layers replaced.
    let configuration: [UInt8]
    /// The number of gates of each replaced layer, by the layer's name.
    private let gates: [String: Int]

    /// Replaces the cuDNN layers in a configuration. A configuration without them stays unchanged.
    init(configuration: [UInt8]) {
        var gates: [String: Int] = [:]
        guard configuration.contains(Array("\"CuDNN".utf8)),
            let value = try? JSONDecoder().decode(JSONValue.self, from: Data(configuration)),
            let encoded = try? JSONEncoder().encode(Self.replaced(value, in: nil, gates: &gates))
        else {
            (self.configuration, self.gates) = (configuration, [:])
            return
        }
        (self.configuration, self.gates) = (Array(encoded), gates)
    }

    /// Replaces the cuDNN layers in a part of a configuration.
    ///
    /// - Parameters:
    ///   - value: The part.
    ///   - outer: The name of the layer that contains the part; nil outside of layers.
    ///   - gates: Receives the number of gates of each replaced layer, by the name of the outermost layer.
    /// - Returns: The part with its layers replaced.
    private static func replaced(_ value: JSONValue, in outer: String?, gates: inout [String: Int]) -> JSONValue {
        switch value {
        case .array(let elements):
            return .array(elements.map { replaced($0, in: outer, gates: &gates) })
        case .object(var members):
            var name = outer
            if case .string(let className)? = members["class_name"], var config = members["config"]?.members {
                if outer == nil, className != "Sequential", className != "Model", className != "Functional",
                    case .string(let own)? = config["name"]
                {
                    name = own
                }
                if let replacement = replacements[className] {
                    if let name { gates[name] = replacement.className == "LSTM" ? 4 : 3 }
                    members["class_name"] = .string(replacement.className)
                    config["activation"] = .string("tanh")
                    config["recurrent_activation"] = .string("sigmoid")
                    config.merge(replacement.options) { $1 }
                    members["config"] = .object(config)
                }
            }
            return .object(members.mapValues { replaced($0, in: name, gates: &gates) })
        default: return value
        }
    }

    /// Reads a weight. A weight of a replaced layer is converted to the layout of an LSTM or a GRU.
    ///
    /// - Parameters:
    ///   - name: The weight's name in the exchange form.
    ///   - path: The path of the weight in the file.
    ///   - file: The file.
    /// - Returns: The weight.
    /// - Throws: ``Defect`` as ``HDF5File/weight(_:name:)`` does.
    func weight(_ name: String, _ path: String, of file: borrowing HDF5File) throws(Defect) -> StoredWeight {
        let parts = name.split(separator: "/")
        guard let layer = parts.first, let gates = gates[String(layer)], let kind = parts.last else {
            return try file.weight(path, name: name)
        }
        let tensor = try file.tensor(path)
        do {
            return .tensor(NamedTensor(name: name, tensor: try Self.converted(tensor, String(kind), gates)))
        } catch {
            throw Defect(.corrupt, error.context)
        }
    }

    private static func converted(_ tensor: Tensor, _ kind: String, _ gates: Int) throws(ModelError) -> Tensor {
        let shape = tensor.shape
        if kind == "bias" {
            guard shape.count == 1, shape[0].isMultiple(of: 2 * gates) else { return tensor }
            let half = shape[0] / 2
            if gates == 3 { return try Tensor(shape: [2, half], values: tensor.values) }
            return try Tensor(shape: [half], values: (0..<half).map { tensor.values[$0] + tensor.values[half + $0] })
        }
        guard shape.count == 2, shape[1].isMultiple(of: gates) else { return tensor }
        let (rows, columns, units) = (shape[0], shape[1], shape[1] / gates)
        var values = tensor.values
        for gate in 0..<gates {
            for row in 0..<rows {
                for unit in 0..<units {
                    // For each gate, a kernel of shape (rows, units) holds the values of a matrix (units, rows) in
                    // row-major order. A recurrent kernel holds the transposed matrix of each gate, which is the same
                    // rearrangement because the matrix is square.
                    let place = unit * rows + row
                    values[row * columns + gate * units + unit] =
                        tensor.values[place / units * columns + gate * units + place % units]
                }
            }
        }
        return try Tensor(shape: shape, values: values)
    }
}
#endif
