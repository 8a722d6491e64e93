import Foundation
import TestSupport
import Testing

@Suite struct `The documentation` {
    private static let root = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()

    /// A Markdown file without its code blocks.
    private struct Document {
        let file: URL
        let text: String

        init(_ file: URL) throws {
            self.file = file
            var isCode = false
            let lines = try String(contentsOf: file, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            text = lines.filter { line in
                if line.hasPrefix("```") { isCode.toggle() }
                return !isCode
            }.joined(separator: "\n")
        }

        var name: String { file.deletingPathExtension().lastPathComponent }

        /// Whether the page describes a module. The site does not contain such pages.
        var isModule: Bool { text.hasPrefix("# ``") }

        var anchors: Set<String> {
            Set(text.matches(of: /(?m)^#+ (.*)$/).map { Document.anchor(String($0.1)) })
        }

        /// Returns the anchor of a title in lower case, because GitHub and DocC use different cases.
        static func anchor(_ title: String) -> String {
            title.lowercased().replacing(" ", with: "-").filter { $0.isLetter || $0.isNumber || "-_".contains($0) }
        }
    }

    private static func documents() throws -> [Document] {
        let pages = FileManager.default.enumerator(at: root.appending(path: "Sources"), includingPropertiesForKeys: nil)
        let files = (pages?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "md" }
        let others = ["README.md", "tools/python/README.md"].map { root.appending(path: $0) }
        return try (files + others).map(Document.init)
    }

    @Test func `every link in the documentation leads to an existing page, heading or file`() throws {
        let documents = try Self.documents()
        // `tools/make/site` generates the pages Start and Models from the README.
        let readme = try Document(Self.root.appending(path: "README.md"))
        var pages = Dictionary(documents.map { ($0.name, $0) }) { first, _ in first }
        pages["Start"] = readme
        pages["Models"] = readme
        var count = 0
        for document in documents {
            for link in document.text.matches(of: /<doc:([^>#]+)(?:#([^>]+))?>/) {
                count += 1
                let page = pages[String(link.1)]
                #expect(page != nil, "\(document.file.path): \(link.0)")
                guard let page, let heading = link.2 else { continue }
                #expect(page.anchors.contains(heading.lowercased()), "\(document.file.path): \(link.0)")
            }
            for link in document.text.matches(of: /\]\(([^)#\s]*)(?:#([^)\s]+))?\)/) where !link.1.contains("://") {
                count += 1
                let file = document.file.deletingLastPathComponent().appending(path: String(link.1))
                let exists = link.1.isEmpty || FileManager.default.fileExists(atPath: file.path)
                #expect(exists, "\(document.file.path): \(link.0)")
                guard let heading = link.2 else { continue }
                let target = link.1.isEmpty ? document : try Document(file)
                #expect(target.anchors.contains(heading.lowercased()), "\(document.file.path): \(link.0)")
            }
        }
        #expect(count > 30)
    }

    @Test func `every file that the documentation names exists`() throws {
        // The page Changes also names files that no longer exist.
        for document in try Self.documents() where document.name != "Changes" {
            for code in document.text.matches(of: /`((?:tools|deploy|Sources|Tests)\/[^`\s*{…:]+)/) {
                let path = Self.root.appending(path: String(code.1)).path
                #expect(FileManager.default.fileExists(atPath: path), "\(document.file.path): \(code.1)")
            }
        }
    }

    @Test func `the site's first page leads to every page`() throws {
        let documents = try Self.documents()
        let first = try #require(documents.first { $0.name == "Sluice" })
        for page in documents where !page.isModule && page.name != "Sluice" && page.name != "README" {
            #expect(first.text.contains("- <doc:\(page.name)>"), "\(page.name)")
        }
    }
}
