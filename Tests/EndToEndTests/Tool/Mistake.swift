import Foundation
import TestSupport
import Testing

/// A command line that a person may plausibly get wrong, and the error that must help.
struct Mistake: CustomTestStringConvertible, Sendable {
    /// The command line. `{here}` stands for the row's own folder, `{model}` for a model, and other names in braces for
    /// the endpoints and the state folder of a running daemon.
    let line: String
    /// The exit status.
    let status: Int32
    /// Parts of the message: the mistake, its position and the remedy.
    let words: [String]
    /// The contents of the files to create in the folder, by name.
    var files: [String: String] = [:]
    /// The files and folders to make inaccessible. A name that ends in `/` is a folder.
    var closed: [String] = []

    var testDescription: String { line }

    init(
        _ line: String, _ status: Int32, _ words: String..., files: [String: String] = [:], closed: [String] = []
    ) {
        self.init(line, status, words: words, files: files, closed: closed)
    }

    init(
        _ line: String, _ status: Int32, words: [String], files: [String: String] = [:], closed: [String] = []
    ) {
        self.line = line
        self.status = status
        self.words = words
        self.files = files
        self.closed = closed
    }

    /// Makes the mistake in a new folder. Checks the error, and checks that the folder is unchanged.
    ///
    /// - Parameter places: The values that replace the names in braces.
    /// - Throws: An error if the folder cannot be prepared.
    func make(_ places: [String: String] = [:]) throws {
        let folder = try TemporaryFolder()
        let names = places.merging(["here": folder.path, "model": model2]) { $1 }
        func filled(_ text: String) -> String {
            names.reduce(text) { $0.replacing("{\($1.key)}", with: $1.value) }
        }
        for (name, text) in files {
            _ = try folder.write(filled(text), to: name)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.path(name))
        }
        for name in closed {
            if name.hasSuffix("/") {
                try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: false)
            }
            try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: folder.path(name))
        }
        let before = try contents(of: folder)

        let words = line.split(separator: " ").map { filled(String($0)) }
        let ended = try FinishedProgram(words[0], Array(words.dropFirst()), obeysPermissions: !closed.isEmpty)

        #expect(ended.status == status, "\(line): \(ended.errorOutput)")
        for word in self.words {
            #expect(ended.errorOutput.contains(filled(word)), "\(line): no \(filled(word)) in \(ended.errorOutput)")
        }
        #expect(ended.output.isEmpty, "\(line): \(ended.output)")
        #expect(try contents(of: folder) == before, "\(line) left a trace")
        for name in closed {
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path(name))
        }
    }

    /// Returns the contents of each file in a folder, by path.
    private func contents(of folder: TemporaryFolder) throws -> [String: Data] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        return Dictionary(
            uniqueKeysWithValues: paths.map { ($0, FileManager.default.contents(atPath: folder.path($0)) ?? Data()) })
    }
}
