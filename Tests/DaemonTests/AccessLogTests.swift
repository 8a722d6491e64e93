import Logging
import Synchronization
import Testing
import ZeroMQ

@testable import Daemon

@Suite struct `The access log` {
    private static let second: Int64 = 1_000_000_000

    /// Collects the logged messages.
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }

        var logger: Logger {
            Logger(label: "test") { _ in Handler(lines: self) }
        }

        struct Handler: LogHandler {
            let lines: Lines
            var metadata: Logger.Metadata = [:]
            var logLevel = Logger.Level.trace

            init(lines: Lines) { self.lines = lines }

            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }

            func log(event: LogEvent) { lines.lines.withLock { $0.append("\(event.message)") } }
        }
    }

    @Test func `the access log names each refused client once, until the keys change`() {
        let lines = Lines()
        var log = AccessLog(lines.logger)
        log.record(.ingest, from: "192.0.2.1", .noKey, at: 0)
        log.record(.ingest, from: "192.0.2.1", .noKey, at: 2 * Self.second)
        // A client that left before its address was read counts as already logged.
        log.record(.ingest, from: nil, .noKey, at: 4 * Self.second)
        #expect(lines.all.count == 1)
        log.record(.control, from: "192.0.2.1", .noKey, at: 6 * Self.second)
        log.record(.ingest, from: "192.0.2.1", .malformed, at: 8 * Self.second)
        #expect(lines.all.count == 3)
        log.forget()
        log.record(.ingest, from: "192.0.2.1", .noKey, at: 10 * Self.second)
        #expect(lines.all.count == 4)
        #expect(lines.all.allSatisfy { $0.contains("192.0.2.1") })
    }

    @Test func `the access log lists at most five refusals a second, then the number that it left out`() {
        let lines = Lines()
        var log = AccessLog(lines.logger)
        for client in 0..<8 { log.record(.ingest, from: "192.0.2.\(client)", .noKey, at: Self.second) }
        #expect(lines.all.count == 5 && log.hasUnlogged)
        log.flush(at: 2 * Self.second - 1)
        #expect(lines.all.count == 5)
        log.flush(at: 2 * Self.second)
        #expect(lines.all.count == 6 && lines.all.last?.contains("3 ") == true && !log.hasUnlogged)
    }
}
