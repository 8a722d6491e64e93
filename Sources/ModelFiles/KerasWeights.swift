import Recurrent

/// Where the weights of a model's layers are found, for each of Keras' two formats.
///
/// Each takes the open file and gives the weights of each layer that are read, in the order of ``KerasLayer/weights``, and throws a
/// ``Defect`` with the code `corrupt` where the file does not hold exactly the weights that the architecture needs.
enum KerasWeights {
    /// From `model.weights.h5` of a `.keras` archive.
    ///
    /// Keras names a layer's group after its class, in snake case and numbered in the order of the model (`lstm`,
    /// `lstm_1`), whatever the layer's own name. The own name stands in an attribute in files of newer versions and
    /// must then agree, so that no layer is given another's weights.
    static func ofArchive(
        _ file: borrowing HDF5File, _ architecture: KerasArchitecture
    ) throws(Defect) -> [[Tensor]] {
        var counts: [String: Int] = [:]
        var weights: [[Tensor]] = []
        for layer in architecture.layers {
            let count = counts[layer.className, default: 0]
            counts[layer.className] = count + 1
            let group = "layers/\(layer.className.snakeCased)" + (count == 0 ? "" : "_\(count)")
            do {
                weights.append(try archiveWeights(file, group: group, of: layer))
            } catch {
                throw error.inLayer(layer.name, className: layer.className)
            }
        }
        return weights
    }

    private static func archiveWeights(
        _ file: borrowing HDF5File, group: String, of layer: KerasArchitecture.NamedLayer
    ) throws(Defect) -> [Tensor] {
        let ownVariables = "\(group)/vars"
        if try file.exists(ownVariables), let name = try file.string("name", of: ownVariables), name != layer.name {
            throw Defect(.corrupt, "'\(group)' holds the weights of a layer '\(name)'")
        }
        let paths = layer.layer.weights.map { "\(group)/\($0.archivePath)" }
        for parent in Set(paths.map(\.pathWithoutLastComponent)) {
            let expected = paths.filter { $0.pathWithoutLastComponent == parent }.map(\.lastPathComponent).sorted()
            let found = try file.members(of: parent)
            guard found.sorted() == expected else {
                throw Defect(
                    .corrupt,
                    "'\(parent)' holds the weights \(found), but the layer's options ask for \(expected)")
            }
        }
        var tensors: [Tensor] = []
        for weight in layer.layer.weights where weight.isRead {
            tensors.append(try file.tensor("\(group)/\(weight.archivePath)"))
        }
        return tensors
    }

    /// From the group `model_weights` of a legacy `.h5` file.
    ///
    /// Each layer's group is named after the layer and lists its weights' paths in Keras' order. They end in the weight's
    /// name, in files of Keras 2 with `:0` after it; what stands before the name hangs on the version of Keras.
    static func ofLegacyFile(
        _ file: borrowing HDF5File, _ architecture: KerasArchitecture
    ) throws(Defect) -> [[Tensor]] {
        var weights: [[Tensor]] = []
        for layer in architecture.layers {
            do {
                weights.append(try legacyWeights(file, of: layer))
            } catch {
                throw error.inLayer(layer.name, className: layer.className)
            }
        }
        return weights
    }

    private static func legacyWeights(
        _ file: borrowing HDF5File, of layer: KerasArchitecture.NamedLayer
    ) throws(Defect) -> [Tensor] {
        let group = "model_weights/\(layer.name)"
        let paths = try file.strings("weight_names", of: group) ?? []
        let expected = layer.layer.weights.map(\.name.lastPathComponent)
        let found = paths.map(\.weightName)
        guard found == expected else {
            throw Defect(
                .corrupt, "'\(group)' holds the weights \(found), but the layer's options ask for \(expected)")
        }
        var tensors: [Tensor] = []
        for (weight, path) in zip(layer.layer.weights, paths) where weight.isRead {
            tensors.append(try file.tensor("\(group)/\(path)"))
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

    /// The name at the end of a legacy weight's path: `lstm/lstm_cell/kernel:0` → `kernel`.
    fileprivate var weightName: String {
        lastPathComponent.split(separator: ":").first.map(String.init) ?? ""
    }
}
