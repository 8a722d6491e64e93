public import Foundation

/// A folder of a test's own, gone when the test ends. Its path is short, so that it can hold Unix sockets.
public final class TemporaryFolder: Sendable {
    /// Where it is.
    public let path: String

    /// Creates the folder.
    ///
    /// - Throws: What Foundation throws where it cannot be created.
    public init() throws {
        path = "/tmp/sluice-\(UUID().uuidString.prefix(13))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        // A folder that cannot be removed is left to the system.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// A file within it.
    public func url(_ name: String) -> URL { URL(filePath: path).appending(path: name) }

    /// The path of a file within it.
    public func path(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file within it.
    ///
    /// - Returns: Its path.
    /// - Throws: What Foundation throws where it cannot be written.
    public func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: url(name))
        return path(name)
    }
}
