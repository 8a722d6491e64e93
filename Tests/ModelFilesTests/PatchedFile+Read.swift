import Foundation
import ModelFiles
import TestSupport

extension PatchedFile {
    /// Reads the bytes as a model file with the name `patched.model`.
    func read() throws -> ModelFile {
        let folder = URL.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let url = folder.appending(path: "patched.model")
        try Data(bytes).write(to: url)
        return try ModelFile.read(url.path())
    }
}
