#if Keras
import ModelFiles
import Recurrent

/// Reads the weights of a model's layers from Keras' two file formats.
///
/// Each function reads an open file and returns the weights that the model's outputs depend on, layer by layer, under
/// their names in the exchange form. It throws a ``Defect`` with the code `corrupt` if the file does not have exactly
/// the weights of the architecture.
enum KerasWeights {
    /// Reads the weights from `model.weights.h5` of a `.keras` archive. ``KerasArchiveLayout`` describes their paths.
    ///
    /// Newer versions store each layer's own name in an attribute. If the attribute exists, it must match, so that no
    /// layer gets another layer's weights.
    static func ofArchive(
        _ file: borrowing HDF5File, _ architecture: KerasArchitecture, _ layout: KerasArchiveLayout
    ) throws(Defect) -> [StoredWeight] {
        var weights: [StoredWeight] = []
        for (layer, group) in zip(architecture.layers, layout.groups(of: architecture)) where !layer.isOperation {
            do {
                weights += try archiveWeights(file, layout, group: group, of: layer)
            } catch {
                throw error.inLayer(layer.name, className: layer.className)
            }
        }
        return weights
    }

    private static func archiveWeights(
        _ file: borrowing HDF5File, _ layout: KerasArchiveLayout, group: String, of layer: KerasArchitecture.NamedLayer
    ) throws(Defect) -> [StoredWeight] {
        let ownVariables = "\(group)/vars"
        if try file.exists(ownVariables), let name = try file.string("name", of: ownVariables), name != layer.shortName
        {
            throw Defect(.corrupt, "'\(group)' has the weights of another layer, '\(name)'")
        }
        let paths = layer.weights.map { layout.path(of: $0, in: group) }
        for parent in Set(paths.map(\.pathWithoutLastComponent)) {
            let expected = paths.filter { $0.pathWithoutLastComponent == parent }.map(\.lastPathComponent).sorted()
            let found = try file.members(of: parent)
            guard found.sorted() == expected else {
                throw Defect(
                    .corrupt,
                    "'\(parent)' has the weights \(found), but the layer's options need \(expected)")
            }
        }
        var tensors: [StoredWeight] = []
        for weight in layer.weights where weight.isRead {
            tensors.append(
                try file.weight(layout.path(of: weight, in: group), name: layer.tensorName(weight)))
        }
        return tensors
    }

    /// Reads the weights from the group `model_weights` of a legacy `.h5` file.
    ///
    /// Each layer's group is named after the layer and lists the paths of its weights. The part of a path before the
    /// weight's name depends on the version of Keras:
    ///
    /// | written by | LSTM | Bidirectional(LSTM) |
    /// | --- | --- | --- |
    /// | Keras 2 | `lstm_1/kernel:0` | `bidirectional_1/forward_lstm_1/kernel:0` |
    /// | tf.keras 2 | `lstm/lstm_cell/kernel:0` | `bidirectional/forward_lstm/lstm_cell/kernel:0` |
    /// | Keras 3 | `model/lstm/lstm_cell/kernel` | `model/bidirectional/forward_lstm/lstm_cell/kernel` |
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - architecture: The architecture, in which LSTM and GRU have replaced all cuDNN layers.
    ///   - cuDNN: The replaced layers.
    /// - Returns: The weights.
    /// - Throws: ``Defect`` with the code `corrupt`.
    static func ofLegacyFile(
        _ file: borrowing HDF5File, _ architecture: KerasArchitecture, _ cuDNN: CuDNNLayers
    ) throws(Defect) -> [StoredWeight] {
        var weights: [StoredWeight] = []
        for member in architecture.members {
            switch member {
            case .layer(let index):
                let layer = architecture.layers[index]
                if layer.isOperation { continue }
                do {
                    weights += try legacyWeights(file, of: layer, cuDNN)
                } catch {
                    throw error.inLayer(layer.name, className: layer.className)
                }
            case .model(let name, let className, let members):
                do {
                    weights += try legacyWeights(
                        file, of: architecture.layers(in: members), group: "model_weights/\(name)", cuDNN)
                } catch {
                    throw error.inLayer(name, className: className)
                }
            }
        }
        return weights
    }

    /// Reads the weights of a nested model, whose group lists the weights of all its layers: first those that training
    /// changes, then the others, each in the order of the layers.
    private static func legacyWeights(
        _ file: borrowing HDF5File, of layers: [KerasArchitecture.NamedLayer], group: String, _ cuDNN: CuDNNLayers
    ) throws(Defect) -> [StoredWeight] {
        let paths = try file.strings("weight_names", of: group) ?? []
        let all = layers.flatMap(ListedWeight.all)
        let expected = all.filter(\.isTrainable) + all.filter { !$0.isTrainable }
        let found = zip(paths, expected).map { path, expected in
            path.weightName(ofLayer: expected.name.contains("/") ? expected.layer.shortName : nil)
        }
        guard paths.count == expected.count, zip(found, expected).allSatisfy({ $0 == $1.name }) else {
            throw Defect(
                .corrupt, "'\(group)' has the weights \(paths), but the layers' options need \(expected.map(\.name))")
        }
        var places: [String: String] = [:]
        for (path, expected) in zip(paths, expected) { places[expected.id] = "\(group)/\(path)" }
        var tensors: [StoredWeight] = []
        for layer in layers {
            for weight in layer.weights where weight.isRead {
                tensors.append(
                    try legacyWeight(file, weight, of: layer, cuDNN) { places["\(layer.name)/\($0)"] ?? "" })
            }
        }
        return tensors
    }

    private static func legacyWeights(
        _ file: borrowing HDF5File, of layer: KerasArchitecture.NamedLayer, _ cuDNN: CuDNNLayers
    ) throws(Defect) -> [StoredWeight] {
        let group = "model_weights/\(layer.name)"
        let paths = try file.strings("weight_names", of: group) ?? []
        let expected = layer.weights.flatMap { weight in
            [weight.name] + (weight.lowRank == nil ? [] : LowRank.names(of: weight.name))
        }
        let hasDirections = expected.contains { $0.contains("/") }
        let found = paths.map { $0.weightName(ofLayer: hasDirections ? layer.name : nil) }
        guard found.sorted() == expected.sorted() else {
            throw Defect(
                .corrupt, "'\(group)' has the weights \(found), but the layer's options need \(expected)")
        }
        var tensors: [StoredWeight] = []
        for weight in layer.weights where weight.isRead {
            tensors.append(
                try legacyWeight(file, weight, of: layer, cuDNN) { name in
                    // The names were found equal to the expected ones.
                    "\(group)/\(paths[found.firstIndex(of: name) ?? 0])"
                })
        }
        return tensors
    }

    /// Reads one weight. If LoRA is on, adds the product of the low-rank matrices beside it.
    private static func legacyWeight(
        _ file: borrowing HDF5File, _ weight: KerasWeight, of layer: KerasArchitecture.NamedLayer,
        _ cuDNN: CuDNNLayers, path: (String) -> String
    ) throws(Defect) -> StoredWeight {
        let name = layer.tensorName(weight)
        guard let lowRank = weight.lowRank else { return try cuDNN.weight(name, path(weight.name), of: file) }
        let names = LowRank.names(of: weight.name)
        let tensor = try lowRank.merged(
            file.tensor(path(weight.name)), file.tensor(path(names[0])), file.tensor(path(names[1])))
        return .tensor(NamedTensor(name: name, tensor: tensor))
    }
}

/// A weight, or a low-rank matrix beside a weight, in the list of a nested model's weights.
private struct ListedWeight {
    let layer: KerasArchitecture.NamedLayer
    /// The name within the layer.
    let name: String
    /// Whether training changes it. LoRA trains the low-rank matrices in place of the weight.
    let isTrainable: Bool

    var id: String { "\(layer.name)/\(name)" }

    /// Returns the weights of a layer in the order in which Keras creates them.
    static func all(of layer: KerasArchitecture.NamedLayer) -> [ListedWeight] {
        let weights = layer.weights.map { weight in
            ListedWeight(
                layer: layer, name: weight.name,
                isTrainable: layer.isTrainable && weight.isTrainable && weight.lowRank == nil)
        }
        let matrices = layer.weights.filter { $0.lowRank != nil }.flatMap { LowRank.names(of: $0.name) }
        return weights + matrices.map { ListedWeight(layer: layer, name: $0, isTrainable: layer.isTrainable) }
    }
}

extension String {
    fileprivate var lastPathComponent: String {
        split(separator: "/").last.map(String.init) ?? ""
    }

    fileprivate var pathWithoutLastComponent: String {
        split(separator: "/").dropLast().joined(separator: "/")
    }

    /// Returns the name of the weight at a legacy path: `lstm/lstm_cell/kernel:0` → `kernel`.
    ///
    /// - Parameter wrapper: The layer's name if its weights have a direction; otherwise nil. In the path, the direction
    ///   follows the layer's name: `both/forward_lstm/lstm_cell/kernel:0` → `forward/kernel`.
    /// - Returns: The name as in ``KerasWeight``.
    fileprivate func weightName(ofLayer wrapper: String?) -> String {
        let name = lastPathComponent.split(separator: ":").first.map(String.init) ?? ""
        guard let wrapper else { return name }
        let components = split(separator: "/")
        // The layer's own name may also begin with `forward_` or `backward_`.
        let inner = components.firstIndex { $0 == wrapper }.map { components[($0 + 1)...] } ?? components[...]
        // In Keras 3 files, a custom backward layer keeps its own name; the forward layer never does.
        let isForward = inner.contains { $0.hasPrefix("forward_") }
        return "\(isForward ? "forward" : "backward")/\(name)"
    }
}
#endif
