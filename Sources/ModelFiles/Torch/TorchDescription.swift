import FoundationEssentials
import Yams

/// The part of a model that a PyTorch state dict lacks: the layers and their order. The description is a small YAML or
/// JSON file beside the `.safetensors`, with the same base name.
struct TorchDescription: Decodable {
    /// The kinds of modules with weights.
    enum Kind: String, CaseIterable {
        case lstm, gru, rnn, linear, embedding, layernorm, batchnorm1d

        /// Reads a kind. PyTorch's `BatchNorm1d` is also called `batchnorm`.
        init?(name: String) { self.init(rawValue: name == "batchnorm" ? "batchnorm1d" : name) }

        /// The option for the module's activation, under PyTorch's name; nil if there is none. A function that is a
        /// separate module in PyTorch goes by Keras' name.
        fileprivate var activationOption: String? {
            switch self {
            case .linear, .layernorm, .batchnorm1d: "activation"
            case .rnn: "nonlinearity"
            case .lstm, .gru, .embedding: nil
            }
        }

        fileprivate var options: [String] {
            let output: [String] = gates == nil ? [] : ["output"]
            let norm = self == .layernorm || self == .batchnorm1d ? ["eps", "affine"] : []
            return [activationOption].compactMap(\.self) + output + norm
        }
    }

    /// The choice of the output that a bidirectional module passes to the next module.
    enum Output: String, CaseIterable {
        /// The last state of each direction: `torch.cat((h_n[-2], h_n[-1]), 1)`.
        case states = "h_n"
        /// The output at the last timestep, `out[:, -1]`, where the backward direction has seen only that timestep.
        case lastTimestep = "last_timestep"
    }

    /// One module, such as `lstm: encoder`, with its options.
    struct Layer: Decodable {
        let kind: Kind
        /// The module's name in the state dict; empty if the state dict is that of the module itself.
        let module: String
        /// The activation after a linear layer or a normalization, or within an RNN.
        let activation: String?
        /// The output that is passed to the next module; nil if the description does not say.
        let output: Output?
        /// The number that a normalization adds to a variance.
        let epsilon: Double
        /// Whether a normalization has weights: PyTorch's `affine` or `elementwise_affine`.
        let isAffine: Bool

        init(from decoder: any Decoder) throws {
            let object = try decoder.container(keyedBy: Name.self)
            let names = object.allKeys.map(\.stringValue)
            let kinds = names.filter { Kind(name: $0) != nil }
            let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
            guard let kindName = kinds.first, kinds.count == 1, let kind = Kind(name: kindName) else {
                throw Defect(
                    .unsupported,
                    "a layer with the keys \(names.sorted()) is not supported; supported: one of \(known), with its name"
                )
            }
            for name in names where name != kindName && !kind.options.contains(name) {
                let options = kind.options.isEmpty ? "no options" : kind.options.joined(separator: ", ")
                throw Defect(
                    .unsupported, "'\(name)' of a layer '\(kind.rawValue)' is not supported; supported: \(options)")
            }
            self.kind = kind
            module = try object.decode(String.self, forKey: Name(stringValue: kindName))
            epsilon = try object.decodeIfPresent(Double.self, forKey: Name(stringValue: "eps")) ?? 1e-5
            isAffine = try object.decodeIfPresent(Bool.self, forKey: Name(stringValue: "affine")) ?? true
            activation = try kind.activationOption.flatMap {
                try object.decodeIfPresent(String.self, forKey: Name(stringValue: $0))
            }
            output = try object.decodeIfPresent(String.self, forKey: Name(stringValue: "output")).map { name in
                guard let output = Output(rawValue: name) else {
                    let supported = Output.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Defect(.unsupported, "output '\(name)' is not supported; supported: \(supported)")
                }
                return output
            }
        }
    }

    /// The modules in the order of the forward pass.
    let layers: [Layer]
    /// Whether the state carries over from one sequence to the next.
    let isStateful: Bool
    /// The shape of one sequence: timesteps, then features unless the input consists of tokens. A nil length stands for
    /// any number.
    let inputShape: [Int?]?

    /// The maximum size of a description, in bytes. Real descriptions are far smaller.
    private static let maximumSize = 1 << 16

    private enum Key: String, CodingKey, CaseIterable {
        case layers
        case isStateful = "stateful"
        case inputShape = "input_shape"
    }

    /// A key with an arbitrary name.
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let known = Key.allCases.map(\.rawValue)
        for name in try decoder.container(keyedBy: Name.self).allKeys where !known.contains(name.stringValue) {
            throw Defect(
                .unsupported, "'\(name.stringValue)' is not supported; supported: \(known.joined(separator: ", "))")
        }
        let object = try decoder.container(keyedBy: Key.self)
        layers = try object.decode([Layer].self, forKey: .layers)
        isStateful = try object.decodeIfPresent(Bool.self, forKey: .isStateful) ?? false
        inputShape = try object.decodeIfPresent([Int?].self, forKey: .inputShape)
    }

    private static func decode(_ text: String) throws(Defect) -> TorchDescription {
        do {
            return try YAMLDecoder().decode(TorchDescription.self, from: text)
        } catch let error as DecodingError {
            // Yams wraps errors from other code, so unwrap them.
            if case .dataCorrupted(let context) = error, let cause = context.underlyingError {
                throw cause as? Defect ?? Defect(.corrupt, "\(cause)")
            }
            throw Defect(.corrupt, error.inWords)
        } catch {
            throw Defect(.corrupt, "\(error)")
        }
    }

    /// Reads the description beside a file: `model.yaml`, `model.yml` or `model.json` beside `model.safetensors`.
    ///
    /// - Parameter path: The path of the `.safetensors`.
    /// - Returns: The description.
    /// - Throws: ``Defect`` with the code `notAModel` if there is no description. If the description exists but cannot
    ///   be used, the code is `unreadable`, `corrupt` or `unsupported`, and the error names the description file.
    static func beside(_ path: String) throws(Defect) -> TorchDescription {
        let suffix = ".safetensors"
        let stem = path.hasSuffix(suffix) ? String(path.dropLast(suffix.count)) : path
        for place in [".yaml", ".yml", ".json"].map({ stem + $0 }) {
            let file: FileBytes
            do {
                file = try FileBytes(place)
            } catch {
                if error.code == .notFound { continue }
                throw error.inFile(place)
            }
            guard file.size <= maximumSize else {
                throw Defect(.unreadable, "has more than \(maximumSize) bytes").inFile(place)
            }
            do {
                return try decode(String(decoding: file.all(), as: UTF8.self))
            } catch {
                throw error.inFile(place)
            }
        }
        throw Defect(
            .notAModel,
            "holds tensors without the architecture of Sluice; supported: a state dict of PyTorch with a description of "
                + "its layers beside it, \(stem.lastPathComponent).yaml, as 'layers: [{lstm: lstm}, {linear: fc}]'")
    }
}

extension Defect {
    /// Adds the name of the description file to the defect.
    fileprivate func inFile(_ path: String) -> Defect {
        Defect(code == .notFound ? .unreadable : code, "\(path.lastPathComponent) beside it: \(context)")
    }
}

extension String {
    fileprivate var lastPathComponent: String { split(separator: "/").last.map(String.init) ?? self }
}
