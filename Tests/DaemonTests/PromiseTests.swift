import Foundation
import TestSupport
import Testing

/// Tests that every test named on a documentation page exists.
@Suite struct `The promises of the pages` {
    private static let root = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()

    /// The names of all tests, suites and test files.
    private static let names: Set<String> = {
        var names: Set<String> = []
        let folder = root.appending(path: "Tests")
        for path in (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? [] {
            let file = folder.appending(path: path)
            guard path.hasSuffix(".swift"), let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
            names.insert(file.deletingPathExtension().lastPathComponent)
            for match in text.matches(of: /(?:func|struct) `(?<name>[^`]+)`/) { names.insert(String(match.name)) }
        }
        return names
    }()

    @Test(arguments: ["Durability": 30, "Security": 25, "Robustness": 10])
    func `every test that a page names exists`(page: String, least: Int) throws {
        let url = Self.root.appending(path: "Sources/Daemon/Daemon.docc/\(page).md")
        let text = try String(contentsOf: url, encoding: .utf8)
            .replacing(/```.*?```/.dotMatchesNewlines(), with: "")
        let named = text.matches(of: /`(?<code>[^`]+)`/)
            .map { $0.code.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
            // A code span of many words is a test name rather than a command, an option or an identifier.
            .filter { code in
                ["A ", "An "].contains { code.hasPrefix($0) } || code.hasSuffix("Tests")
                    || code.count { $0 == " " } >= 4
            }
        #expect(named.count >= least, "\(page) names few tests")
        for name in named { #expect(Self.names.contains(name), "\(page) names a test that is not there: \(name)") }
    }
}
