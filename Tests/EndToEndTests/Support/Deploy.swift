import Foundation
import TestSupport
import Testing

/// Gives access to the files in the folder `deploy`.
enum Deploy {
    static let folder = Fixtures.folder
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "deploy")

    static func path(_ file: String) -> String { folder.appending(path: file).path }

    static func text(_ file: String) throws -> String {
        try String(contentsOfFile: path(file), encoding: .utf8)
    }

    /// Whether an optional program is installed.
    static func isHere(_ program: String) -> Bool { FileManager.default.isExecutableFile(atPath: program) }

    /// Checks that the daemon accepts a configuration file. A fixture replaces the model.
    static func check(configuration: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let folder = try TemporaryFolder()
        let text = configuration.replacing(#/file: \S+\.keras/#, with: "file: \(model2)")
        try #require(text != configuration, "it names no model", sourceLocation: sourceLocation)
        let file = try folder.write(text, to: "sluice.yaml")
        let ended = try FinishedProgram("sluiced", ["--config", file, "--check-config"])
        #expect(ended.status == 0, "\(ended.errorOutput)\n\(text)", sourceLocation: sourceLocation)
    }

    /// Returns the daemon's default ports by flag.
    static func defaultPorts() throws -> [String: Int] {
        let help = try FinishedProgram("sluiced", ["--help"]).output
        let ports = ["ingest", "decisions", "control", "http"].map { flag in
            let option = help.split(separator: "--\(flag) <").last ?? ""
            return (flag, option.firstMatch(of: #/127\.0\.0\.1:(\d+)\)/#).flatMap { Int($0.1) } ?? 0)
        }
        return Dictionary(uniqueKeysWithValues: ports)
    }
}
