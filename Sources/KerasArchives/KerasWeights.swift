#if Keras
import ModelFiles

/// Where the weights of a model's layers are found, for each of Keras' two formats.
///
/// Each takes the open file and gives the weights that an answer needs, layer by layer, under their names in the exchange
/// form, and throws a ``Defect`` with the code `corrupt` where the file does not hold exactly the weights that the
/// architecture needs.
enum KerasWeights {
    /// From `model.weights.h5` of a `.keras` archive.
    ///
    /// Keras names a layer's group after its class, in snake case and numbered in the order of the model (`lstm`,
    /// `lstm_1`), whatever the layer's own name. The own name stands in an attribute in files of newer versions and
    /// must then agree, so that no layer is given another's weights.
    static func ofArchive(
        _ file: borrowing HDF5File, _ architecture: KerasArchitecture
    ) throws(Defect) -> [NamedTensor] {
        var counts: [String: Int] = [:]
        var weights: [NamedTensor] = []
        for layer in architecture.layers {
            let count = counts[layer.className, default: 0]
            counts[layer.className] = count + 1
            let group = "layers/\(layer.className.snakeCased)" + (count == 0 ? "" : "_\(count)")
            do {
                weights += try archiveWeights(file, group: group, of: layer)
            } catch {
                throw error.inLayer(layer.name, className: layer.className)
            }
        }
        return weights
    }

    private static func archiveWeights(
        _ file: borrowing HDF5File, group: String, of layer: KerasArchitecture.NamedLayer
    ) throws(Defect) -> [NamedTensor] {
        let ownVariables = "\(group)/vars"
        if try file.exists(ownVariables), let name = try file.string("name", of: ownVariables), name != layer.name {
            throw Defect(.corrupt, "'\(group)' holds the weights of a layer '\(name)'")
        }
        let paths = layer.weights.map { "\(group)/\($0.archivePath)" }
        for parent in Set(paths.map(\.pathWithoutLastComponent)) {
            let expected = paths.filter { $0.pathWithoutLastComponent == parent }.map(\.lastPathComponent).sorted()
            let found = try file.members(of: parent)
            guard found.sorted() == expected else {
                throw Defect(
                    .corrupt,
                    "'\(parent)' holds the weights \(found), but the layer's options ask for \(expected)")
            }
        }
        var tensors: [NamedTensor] = []
        for weight in layer.weights where weight.isRead {
            let tensor = try file.tensor("\(group)/\(weight.archivePath)")
            tensors.append(NamedTensor(name: layer.tensorName(weight), tensor: tensor))
        }
        return tensors
    }

    /// From the group `model_weights` of a legacy `.h5` file.
    ///
    /// Each layer's group is named after the layer and lists the paths of its weights. What stands before a weight's name
    /// in its path has changed from one version of Keras to the next:
    ///
    /// | written by | LSTM | Bidirectional(LSTM) |
    /// | --- | --- | --- |
    /// | Keras 2 | `lstm_1/kernel:0` | `bidirectional_1/forward_lstm_1/kernel:0` |
    /// | tf.keras 2 | `lstm/lstm_cell/kernel:0` | `bidirectional/forward_lstm/lstm_cell/kernel:0` |
    /// | Keras 3 | `model/lstm/lstm_cell/kernel` | `model/bidirectional/forward_lstm/lstm_cell/kernel` |
    static func ofLegacyFile(
        _ file: borrowing HDF5File, _ architecture: KerasArchitecture
    ) throws(Defect) -> [NamedTensor] {
        var weights: [NamedTensor] = []
        for layer in architecture.layers {
            do {
                weights += try legacyWeights(file, of: layer)
            } catch {
                throw error.inLayer(layer.name, className: layer.className)
            }
        }
        return weights
    }

    private static func legacyWeights(
        _ file: borrowing HDF5File, of layer: KerasArchitecture.NamedLayer
    ) throws(Defect) -> [NamedTensor] {
        let group = "model_weights/\(layer.name)"
        let paths = try file.strings("weight_names", of: group) ?? []
        let expected = layer.weights.map(\.name)
        let hasDirections = expected.contains { $0.contains("/") }
        let found = paths.map { $0.weightName(ofLayer: hasDirections ? layer.name : nil) }
        guard found.sorted() == expected.sorted() else {
            throw Defect(
                .corrupt, "'\(group)' holds the weights \(found), but the layer's options ask for \(expected)")
        }
        var tensors: [NamedTensor] = []
        for weight in layer.weights where weight.isRead {
            for (path, name) in zip(paths, found) where name == weight.name {
                let tensor = try file.tensor("\(group)/\(path)")
                tensors.append(NamedTensor(name: layer.tensorName(weight), tensor: tensor))
            }
        }
        return tensors
    }
}

extension String {
    /// Keras' name for a class in paths: `LSTM` → `lstm`, `TimeDistributed` → `time_distributed`.
    fileprivate var snakeCased: String {
        var result = ""
        var previous: Character?
        for (character, next) in zip(self, dropFirst().map(Optional.some) + [nil]) {
            let startsWord =
                character.isUppercase
                && (previous?.isLowercase == true || (previous?.isUppercase == true && next?.isLowercase == true))
            result += (startsWord ? "_" : "") + character.lowercased()
            previous = character
        }
        return result
    }

    fileprivate var lastPathComponent: String {
        split(separator: "/").last.map(String.init) ?? ""
    }

    fileprivate var pathWithoutLastComponent: String {
        split(separator: "/").dropLast().joined(separator: "/")
    }

    /// The name of the weight at a legacy path: `lstm/lstm_cell/kernel:0` → `kernel`.
    ///
    /// - Parameter wrapper: The name of a layer whose weights have a direction, which the path tells below the layer's
    ///   name: `both/forward_lstm/lstm_cell/kernel:0` → `forward/kernel`.
    /// - Returns: The name as ``KerasWeight`` has it.
    fileprivate func weightName(ofLayer wrapper: String?) -> String {
        let name = lastPathComponent.split(separator: ":").first.map(String.init) ?? ""
        guard let wrapper else { return name }
        let components = split(separator: "/")
        // The layer's own name may begin like a direction.
        let inner = components.firstIndex { $0 == wrapper }.map { components[($0 + 1)...] } ?? components[...]
        // A backward layer that somebody chose keeps its own name in files of Keras 3; the forward one never does.
        let isForward = inner.contains { $0.hasPrefix("forward_") }
        return "\(isForward ? "forward" : "backward")/\(name)"
    }
}
#endif
