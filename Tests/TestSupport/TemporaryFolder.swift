package import Foundation

/// A folder for one test, which is deleted when the test ends. Its path is short enough for Unix sockets in the folder.
package final class TemporaryFolder: Sendable {
    /// The path of the folder.
    package let path: String

    /// Creates the folder.
    ///
    /// - Throws: Foundation's error if the folder cannot be created.
    package init() throws {
        path = "/tmp/sluice-\(UUID().uuidString.prefix(13))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        // If the folder cannot be removed, the system's cleanup removes it.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Returns the URL of a file in the folder.
    package func url(_ name: String) -> URL { URL(filePath: path).appending(path: name) }

    /// Returns the path of a file in the folder.
    package func path(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file in the folder.
    ///
    /// - Returns: The path of the file.
    /// - Throws: Foundation's error if the file cannot be written.
    package func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: url(name))
        return path(name)
    }
}
