package import Foundation

/// Damages a random file in a folder.
package struct FolderDamage {
    /// The ways to damage a file.
    package static let kinds = [
        "bit", "byte", "page", "zeros", "noise", "truncated", "doubled", "deleted", "older copy", "log deleted",
        "log of another run",
    ]

    private let older: TemporaryFolder
    private let other: TemporaryFolder

    /// Prepares to damage folders.
    ///
    /// - Parameters:
    ///   - older: An earlier copy of the folder to damage.
    ///   - other: The folder of another run.
    package init(older: TemporaryFolder, other: TemporaryFolder) {
        (self.older, self.other) = (older, other)
    }

    /// Damages a file in a folder.
    ///
    /// - Parameters:
    ///   - kind: One of ``kinds``.
    ///   - folder: The folder.
    ///   - random: Chooses the file and the position in it.
    /// - Returns: The name of the file; nil if the folder has no suitable file.
    /// - Throws: Foundation's error if a file cannot be read or written.
    package func apply(
        _ kind: String, to folder: TemporaryFolder, using random: inout SplitMix64
    ) throws -> String? {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        let logs = names.filter { $0.hasSuffix("-wal") }
        guard let file = (kind.hasPrefix("log") ? logs : names).randomElement(using: &random) else { return nil }
        var bytes = [UInt8](try Data(contentsOf: folder.url(file)))
        guard !bytes.isEmpty else { return nil }
        func replace(_ length: Int, by byte: (Int) -> UInt8) {
            let start = Int.random(in: 0..<bytes.count, using: &random) / length * length
            for index in start..<min(bytes.count, start + length) { bytes[index] = byte(index) }
        }
        switch kind {
        case "bit": bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case "byte": bytes[Int.random(in: bytes.indices, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
        case "page":
            let from = bytes
            let source = Int.random(in: 0...(bytes.count / 4096), using: &random) * 4096
            replace(4096) { from[(source + $0 % 4096) % from.count] }
        case "zeros": replace(512) { _ in 0 }
        case "noise":
            var noise = random
            replace(256) { _ in UInt8.random(in: 0...255, using: &noise) }
        case "truncated": bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
        case "doubled": bytes += bytes.suffix(Int.random(in: 1...bytes.count, using: &random))
        case "deleted", "log deleted":
            try FileManager.default.removeItem(at: folder.url(file))
            return file
        default:
            let source = kind == "older copy" ? older : other
            guard let data = try? Data(contentsOf: source.url(file)) else { return nil }
            bytes = [UInt8](data)
        }
        try Data(bytes).write(to: folder.url(file))
        return file
    }
}

extension TemporaryFolder {
    /// Copies all files of a folder into this one.
    ///
    /// - Parameter source: The path of the folder to copy.
    /// - Throws: Foundation's error if a file cannot be copied.
    package func copyFiles(of source: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: source) {
            try FileManager.default.copyItem(atPath: "\(source)/\(name)", toPath: path(name))
        }
    }

    /// Reads all files in the folder.
    ///
    /// - Returns: The contents of the files, by name.
    /// - Throws: Foundation's error if a file cannot be read.
    package func contents() throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            var isFolder: ObjCBool = false
            guard unsafe FileManager.default.fileExists(atPath: path(name), isDirectory: &isFolder),
                !isFolder.boolValue
            else { continue }
            files[name] = try Data(contentsOf: url(name))
        }
        return files
    }
}
