import Foundation
import Store
import TestSupport
import Testing

/// Who may read the state folder and its files.
struct ModeTests {
    @Test
    func `folders and files that a store makes are for their owner alone, and a folder that was there keeps its mode`()
        throws
    {
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
