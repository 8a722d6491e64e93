#if Keras
import ModelFiles

/// The paths of the layers' weights in `model.weights.h5`. They depend on the version of Keras that wrote the archive:
///
/// | written by | the second LSTM of a model |
/// | --- | --- |
/// | Keras 3, tf.keras 2.15 | `layers/lstm_1/cell/vars/0` |
/// | tf.keras 2.14 | `_layer_checkpoint_dependencies/lstm_1/cell/vars/0` |
/// | tf.keras 2.13 | `_layer_checkpoint_dependencies/lstm_2/cell/vars/0` |
/// | any of these on Windows | the same with `\` before the last two parts: `layers\lstm_1\cell/vars/0` |
///
/// Keras names a layer's group after the layer's class, in snake case and numbered in the order of the model,
/// regardless of the layer's own name. Version 2.13 counts each layer with weights twice.
struct KerasArchiveLayout {
    /// The layout of new archives.
    static let current = KerasArchiveLayout(container: "layers", separator: "/", countsTwice: false)
    private static let all = ["/", #"\"#].flatMap { separator in
        [
            KerasArchiveLayout(container: "layers", separator: separator, countsTwice: false),
            KerasArchiveLayout(container: dependencies, separator: separator, countsTwice: false),
            KerasArchiveLayout(container: dependencies, separator: separator, countsTwice: true),
        ]
    }
    private static let dependencies = "_layer_checkpoint_dependencies"

    private let container: String
    private let separator: String
    private let countsTwice: Bool

    /// Returns the layout in which a file has the weights of all layers; ``current`` if there is none.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if the file has weights in two layouts, because a layer could then
    ///   get another layer's weights.
    static func find(
        in file: borrowing HDF5File, _ architecture: KerasArchitecture
    ) throws(Defect) -> KerasArchiveLayout {
        var found: KerasArchiveLayout?
        for layout in all where try layout.exists(in: file, architecture) {
            if let found, found.weightGroups(of: architecture) != layout.weightGroups(of: architecture) {
                throw Defect(
                    .corrupt, "the file has weights of the same layers in two places; save the model again with Keras 3"
                )
            }
            found = found ?? layout
        }
        return found ?? current
    }

    private func exists(in file: borrowing HDF5File, _ architecture: KerasArchitecture) throws(Defect) -> Bool {
        for (layer, group) in zip(architecture.layers, groups(of: architecture)) {
            guard let weight = layer.weights.first else { continue }
            guard try file.exists(path(of: weight, in: group)) else { return false }
        }
        return true
    }

    /// Returns the path of each layer's group. A nested model has a group of its own, with the groups of its layers.
    func groups(of architecture: KerasArchitecture) -> [String] {
        var groups = Array(repeating: "", count: architecture.layers.count)
        setGroups(of: architecture.members, architecture, in: "", &groups)
        return groups
    }

    private func setGroups(
        of members: [KerasArchitecture.Member], _ architecture: KerasArchitecture, in path: String,
        _ groups: inout [String]
    ) {
        var names = KerasNames()
        for member in members {
            let className: String
            switch member {
            // Keras stores no group for an operation, which may have the class name of a layer.
            case .layer(let index) where architecture.layers[index].isOperation: continue
            case .layer(let index): className = architecture.layers[index].className
            case .model(_, let name, _): className = name
            }
            let group = path + container + separator + names.next(className)
            if countsTwice, architecture.hasWeights(member) { _ = names.next(className) }
            switch member {
            case .layer(let index): groups[index] = group
            case .model(_, _, let inner): setGroups(of: inner, architecture, in: group + separator, &groups)
            }
        }
    }

    /// Returns the path of a weight in its layer's group.
    func path(of weight: KerasWeight, in group: String) -> String {
        // The last two parts, such as `vars/0`, are a group and a dataset in the group of the other parts.
        let parts = weight.archivePath.split(separator: "/").map(String.init)
        return ([group] + parts.dropLast(2)).joined(separator: separator) + "/"
            + parts.suffix(2).joined(separator: "/")
    }

    private func weightGroups(of architecture: KerasArchitecture) -> [String] {
        zip(architecture.layers, groups(of: architecture)).filter { !$0.0.weights.isEmpty }.map(\.1)
    }
}

extension KerasArchitecture {
    /// Returns whether a layer or a nested model has weights.
    fileprivate func hasWeights(_ member: Member) -> Bool {
        switch member {
        case .layer(let index): !layers[index].weights.isEmpty
        case .model(_, _, let members): members.contains(where: hasWeights)
        }
    }
}
#endif
