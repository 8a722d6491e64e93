#if Keras
import FoundationEssentials
package import ModelFiles
import Recurrent

extension KerasArchive {
    /// Returns the bytes of a `.keras` archive: a new one, or a changed copy of the source archive. The source is not
    /// trusted.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if the source is damaged, or if the weights do not match the
    ///   configuration.
    package static func write(_ request: KerasWriteRequest) throws(Defect) -> [UInt8] {
        let weights = Dictionary(request.weights.map { ($0.name, $0.tensor) }) { first, _ in first }
        return try request.source.isEmpty ? newArchive(request, weights) : changedArchive(request, weights)
    }

    private static func newArchive(
        _ request: KerasWriteRequest, _ weights: [String: Tensor]
    ) throws(Defect) -> [UInt8] {
        let architecture = try KerasArchitecture(
            json: request.configuration, source: configurationEntry, kerasVersion: request.kerasVersion)
        let configuration = KerasConfiguration.compiled(request.configuration, with: request.compilation)
        guard let metadata = try? JSONEncoder().encode(ArchiveMetadata(kerasVersion: request.kerasVersion)) else {
            throw Defect(.corrupt, "metadata.json cannot be written")
        }
        let file = try HDF5Output.make { output throws(Defect) in
            try output.makeGroup("vars", name: architecture.name)
            let layout = KerasArchiveLayout.current
            for (layer, group) in zip(architecture.layers, layout.groups(of: architecture)) where !layer.isOperation {
                try output.makeGroup("\(group)/vars", name: layer.shortName)
                for weight in layer.weights {
                    let path = layout.path(of: weight, in: group)
                    if let tensor = weights[layer.tensorName(weight)] {
                        try output.write(tensor, to: path)
                    } else if weight.isRead {
                        throw Defect(.corrupt, "weight '\(weight.name)' is missing")
                            .inLayer(layer.name, className: layer.className)
                    } else {
                        // A Normalization stores the number of samples that it has seen. The number does not affect the
                        // outputs.
                        try output.write(0, to: path)
                    }
                }
            }
            try write(request.optimizer, to: output)
        }
        return try ZipOutput.bytes([
            (metadataEntry, Array(metadata)), (configurationEntry, configuration), (weightsEntry, file),
        ])
    }

    private static func changedArchive(
        _ request: KerasWriteRequest, _ weights: [String: Tensor]
    ) throws(Defect) -> [UInt8] {
        let entries = try ZipArchive.read(request.source.span) { archive throws(Defect) in try archive.entries() }
        guard let configuration = entries.first(where: { $0.name == configurationEntry })?.content else {
            throw Defect(.corrupt, "\(configurationEntry) is missing")
        }
        let architecture = try KerasArchitecture(
            json: configuration, source: configurationEntry, kerasVersion: request.kerasVersion)
        var changed: [(name: String, content: [UInt8])] = []
        for (name, content) in entries {
            switch name {
            case configurationEntry:
                changed.append((name, KerasConfiguration.compiled(content, with: request.compilation)))
            case weightsEntry: changed.append((name, try changedWeights(content, request, architecture, weights)))
            default: changed.append((name, content))
            }
        }
        return try ZipOutput.bytes(changed)
    }

    /// Returns a copy of `model.weights.h5` in which the weights and the optimizer are replaced.
    private static func changedWeights(
        _ source: [UInt8], _ request: KerasWriteRequest, _ architecture: KerasArchitecture, _ weights: [String: Tensor]
    ) throws(Defect) -> [UInt8] {
        try HDF5GlobalHeap.check(source.span)
        return try unsafe source.span.withUnsafeBytes { buffer throws(Defect) in
            try unsafe changedWeights(buffer, request, architecture, weights)
        }
    }

    private static func changedWeights(
        _ source: UnsafeRawBufferPointer, _ request: KerasWriteRequest, _ architecture: KerasArchitecture,
        _ weights: [String: Tensor]
    ) throws(Defect) -> [UInt8] {
        try HDF5Output.make { output throws(Defect) in
            let source = try unsafe HDF5File(source)
            let layout = try KerasArchiveLayout.find(in: source, architecture)
            // Reading the weights checks every path that is written below.
            _ = try KerasWeights.ofArchive(source, architecture, layout)
            for name in try source.members(of: "") where name != KerasOptimizer.group {
                try output.copy(name, from: source)
            }
            for (layer, group) in zip(architecture.layers, layout.groups(of: architecture)) {
                for weight in layer.weights where weight.isRead {
                    guard let tensor = weights[layer.tensorName(weight)] else { continue }
                    try output.replace(layout.path(of: weight, in: group), with: tensor)
                }
            }
            try write(request.optimizer, to: output)
        }
    }

    private static func write(_ optimizer: OptimizerVariables?, to output: borrowing HDF5Output) throws(Defect) {
        guard let optimizer else { return }
        try output.makeGroup(KerasOptimizer.variables, name: "optimizer")
        try output.write(optimizer.updates, to: "\(KerasOptimizer.variables)/0")
        for (index, tensor) in optimizer.tensors.enumerated() {
            try output.write(tensor, to: "\(KerasOptimizer.variables)/\(index + 1)")
        }
    }
}
#endif
