public import Foundation

/// A folder of a test's own, gone when the test ends. Its path is short, so that it can hold Unix sockets.
public final class TemporaryFolder: Sendable {
    /// Where it is.
    public let path: String

    /// Creates the folder.
    public init() throws {
        path = "/tmp/sluice-\(UInt32.random(in: 0 ... .max))"
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
}
