import Foundation
import TestSupport

/// A damaged file, and the description file beside it.
struct FuzzInput {
    /// The file formats. Each format has its own reader.
    enum Kind: String, CaseIterable, Sendable {
        case keras, h5, safetensors
    }

    let bytes: [UInt8]
    /// The description of a PyTorch state dict.
    let description: [UInt8]?
}

/// The fixtures: the valid files from which inputs are made.
struct Corpus: Sendable {
    struct Item: Sendable {
        let file: PatchedFile
        let description: [UInt8]?
    }

    /// The compression method of an uncompressed zip entry, at offset 8 of its header.
    private static let isStored: UInt8 = 0

    private var items: [FuzzInput.Kind: [Item]] = [:]

    init() throws {
        for folder in ["keras", "keras/sequences", "keras/graphs", "reference", "torch", "exchange"] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.url(folder).path())) ?? []
            for name in names.sorted() {
                let parts = name.split(separator: ".")
                guard parts.count == 2, let kind = FuzzInput.Kind(rawValue: String(parts[1])) else { continue }
                let beside = ["yaml", "json"].lazy.compactMap {
                    try? Data(contentsOf: Fixtures.url("\(folder)/\(parts[0]).\($0)"))
                }
                items[kind, default: []].append(
                    Item(
                        file: try PatchedFile("\(folder)/\(name)"),
                        description: kind == .safetensors ? beside.first.map(Array.init) : nil))
            }
        }
    }

    /// Returns an input, which depends only on the seed, kind and index.
    func input(_ index: Int, of kind: FuzzInput.Kind, seed: UInt64) -> FuzzInput {
        var random = SplitMix64(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index))
        guard let items = items[kind], let item = items.randomElement(using: &random),
            let other = items.randomElement(using: &random)
        else {
            return FuzzInput(bytes: [], description: nil)
        }
        var file = item.file
        var description = item.description
        if description != nil, Int.random(in: 0..<4, using: &random) == 0 {
            description?.mutate(with: other.description ?? [], using: &random)
            return FuzzInput(bytes: file.bytes, description: description)
        }
        let isWithin = Bool.random(using: &random)
        switch kind {
        case .keras where isWithin && file.bytes[8] == Self.isStored:
            // `changeEntry` corrects the archive's checksum, so that the change reaches the entry's reader.
            let entry = Int.random(in: 0..<4, using: &random) == 0 ? "config.json" : "model.weights.h5"
            file.changeEntry(entry) { content in
                let size = content.bytes.count
                if entry == "config.json", Bool.random(using: &random) {
                    content.bytes.mutateText(using: &random)
                } else {
                    content.bytes.mutate(with: other.file.bytes, using: &random)
                }
                // Keep the length, because the archive states it.
                content.bytes = Array(content.bytes.prefix(size))
                content.bytes += Array(repeating: 0x20, count: size - content.bytes.count)
            }
        case .safetensors where isWithin: file.bytes.mutateHeader(using: &random)
        default: file.bytes.mutate(with: other.file.bytes, using: &random)
        }
        return FuzzInput(bytes: file.bytes, description: description)
    }
}
