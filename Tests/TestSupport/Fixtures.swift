package import Foundation

/// The files under `Tests/Fixtures`, located relative to this source file.
package enum Fixtures {
    /// The folder of all fixtures.
    package static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures")

    /// Returns the URL of a fixture, such as `reference/model2.keras`.
    package static func url(_ path: String) -> URL {
        folder.appending(path: path)
    }

    /// Returns the rows of a CSV fixture, as dictionaries keyed by the names in the header. Fields must not be quoted.
    package static func rows(_ path: String) throws -> [[String: String]] {
        let text = try String(contentsOf: url(path), encoding: .utf8)
        let lines = text.split(whereSeparator: \.isNewline).map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        guard let header = lines.first else { return [] }
        return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(header, $0)) }
    }
}
