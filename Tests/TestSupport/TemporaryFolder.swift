import Foundation

/// A folder of a test's own, empty at first, gone with this object.
public final class TemporaryFolder: Sendable {
    /// The folder's path, short enough for the name of an ipc socket within it.
    public let path: String

    /// Creates the folder.
    ///
    /// - Throws: What Foundation throws where it cannot be created.
    public init() throws {
        path = "/tmp/sluice-\(UUID().uuidString.prefix(13))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        // What is left over harms no other test.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of a file within the folder.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file within the folder.
    ///
    /// - Returns: Its path.
    /// - Throws: What Foundation throws where it cannot be written.
    public func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: file(name)))
        return file(name)
    }
}
