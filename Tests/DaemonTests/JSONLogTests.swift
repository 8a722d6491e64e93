import Foundation
import Logging
import Synchronization
import Testing
import Wire

@testable import Daemon

@Suite struct `A JSON log` {
    /// Collects the lines that a logger writes.
    private final class Lines: Sendable {
        let written = Mutex<[Data]>([])
    }

    private struct Line: Decodable {
        struct Peer: Decodable, Equatable {
            let names: [String]
            let port: String
        }
        struct Metadata: Decodable, Equatable {
            let endpoint: String?
            let peer: Peer?
        }
        let time: Date
        let level: String
        let message: String
        let metadata: Metadata?
    }

    private func read(_ log: (Logger) -> Void) throws -> [Line] {
        let lines = Lines()
        log(Logger(label: "test") { _ in JSONLogHandler { line in lines.written.withLock { $0.append(line) } } })
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            return try Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        }
        return try lines.written.withLock { written in
            try written.map { line in
                try #require(line.count { $0 == UInt8(ascii: "\n") } == 1 && line.last == UInt8(ascii: "\n"))
                return try decoder.decode(Line.self, from: line)
            }
        }
    }

    @Test(arguments: ["plain", "", "\"quoted\" \\ \n\r\t\u{0}\u{7F} {}", "é 😀 \u{2028} e\u{301}"])
    func `a JSON line keeps the message unchanged`(message: String) throws {
        let before = Date.now
        let line = try #require(try read { $0.warning("\(message)") }.first)
        #expect(Array(line.message.utf8) == Array(message.utf8))
        #expect(line.level == "warning")
        #expect(line.metadata == nil)
        #expect(line.time.timeIntervalSince(before) > -0.01)
    }

    @Test func `metadata is an object, and the line's values override the logger's`() throws {
        let lines = try read { logger in
            var logger = logger
            logger[metadataKey: "endpoint"] = "a"
            logger.info("one")
            logger.info(
                "two", metadata: ["endpoint": "\"b\"", "peer": ["names": ["x", "y"], "port": .stringConvertible(7)]])
        }
        #expect(lines.map(\.metadata?.endpoint) == ["a", "\"b\""])
        #expect(lines.map(\.metadata?.peer) == [nil, Line.Peer(names: ["x", "y"], port: "7")])
    }

    @Test func `the protocol has the log's levels in the same order`() {
        #expect(LogLevel.allCases.map { Logger.Level($0) } == Logger.Level.allCases)
        #expect(LogLevel.allCases.map { LogLevel(Logger.Level($0)) } == LogLevel.allCases)
    }

    @Test func `a message below the logger's level is not written`() throws {
        #expect(try read { $0.debug("nothing") }.isEmpty)
    }
}
