public import Logging
import Synchronization
public import Wire

/// The daemon's log on standard error.
public enum DaemonLog {
    /// Creates the logger. All of its copies share one level, so setting the level of one copy sets it for all.
    ///
    /// - Parameters:
    ///   - format: The format of the entries.
    ///   - level: The lowest level to write, until the level is changed.
    /// - Returns: The logger.
    public static func logger(format: LogFormat, level: LogLevel) -> Logger {
        let base: any LogHandler =
            switch format {
            case .text: VisibleLogHandler(StreamLogHandler.standardError(label: "sluiced"))
            case .json: JSONLogHandler.standardError
            }
        return Logger(label: "sluiced") { _ in SharedLevelLogHandler(base, level: Logger.Level(level)) }
    }
}

/// A log handler that passes entries on to another handler, and shares that handler's metadata.
private protocol PassingLogHandler: LogHandler {
    var base: any LogHandler { get set }
}

extension PassingLogHandler {
    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { base.metadataProvider }
        set { base.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }
}

/// A log handler whose copies share one level, so that the level can be changed while the daemon runs.
private struct SharedLevelLogHandler: PassingLogHandler {
    private final class Level: Sendable {
        /// An index in `Logger.Level.allCases`.
        private let index: Atomic<Int>

        init(_ level: Logger.Level) { index = Atomic(Self.index(of: level)) }

        var value: Logger.Level {
            get { Logger.Level.allCases[index.load(ordering: .relaxed)] }
            set { index.store(Self.index(of: newValue), ordering: .relaxed) }
        }

        private static func index(of level: Logger.Level) -> Int {
            Logger.Level.allCases.firstIndex(of: level) ?? 0
        }
    }

    fileprivate var base: any LogHandler
    private let level: Level

    init(_ base: any LogHandler, level: Logger.Level) {
        self.base = base
        self.level = Level(level)
        // This handler filters by the shared level, so the base must write every entry.
        self.base.logLevel = .trace
    }

    var logLevel: Logger.Level {
        get { level.value }
        nonmutating set { level.value = newValue }
    }

    func log(event: LogEvent) { base.log(event: event) }
}

/// A log handler for human-readable output. It escapes control characters, so that text from outside cannot affect a
/// terminal.
struct VisibleLogHandler: PassingLogHandler {
    fileprivate var base: any LogHandler

    init(_ base: any LogHandler) { self.base = base }

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    func log(event: LogEvent) {
        var event = event
        event.message = "\(VisibleText.escaped(event.message.description))"
        event.metadata = event.metadata?.mapValues { .string(VisibleText.escaped("\($0)")) }
        if let error = event.error {
            event.metadata = (event.metadata ?? [:]).merging(["error": "\(VisibleText.escaped("\(error)"))"]) { $1 }
            event.error = nil
        }
        base.log(event: event)
    }
}

// swift-log and `Wire` use the same names for the levels.
extension Logger.Level {
    init(_ level: LogLevel) { self = Logger.Level(rawValue: level.rawValue) ?? .info }
}

extension LogLevel {
    init(_ level: Logger.Level) { self = LogLevel(rawValue: level.rawValue) ?? .info }
}
