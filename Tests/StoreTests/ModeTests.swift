import Foundation
import Store
import TestSupport
import Testing

@Suite struct `The access rights of the state folder` {
    @Test
    func `new folders and files are accessible to their owner only, and an existing folder keeps its mode`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        for path in [folder.path("a/b"), folder.path] {
            let store = try StateStore(folder: path)
            try store.begin(Journal(folder: path, of: store), journalKind: .full)
            try store.write(slice([image("a")]))
            for name in try FileManager.default.contentsOfDirectory(atPath: path) where name != "a" {
                #expect(try mode(of: "\(path)/\(name)") == 0o600, "\(name)")
            }
        }
        #expect(try mode(of: folder.path("a")) == 0o700)
        #expect(try mode(of: folder.path("a/b")) == 0o700)
        #expect(try mode(of: folder.path) == 0o755)
    }

    private func mode(of path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
}
