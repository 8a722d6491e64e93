import Logging
import Wire
import ZeroMQ

/// Logs what was dropped, at a bounded rate: a producer gone wrong must not fill the disk.
struct DropLog {
    private static let linesPerSecond = 5
    private static let window: Int64 = 1_000_000_000

    let logger: Logger
    private var windowStart: Int64 = 0
    private var lines = 0
    private var unlogged: UInt64 = 0

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Logs one drop, or only counts it.
    ///
    /// - Parameters:
    ///   - cause: Why it was dropped.
    ///   - id: The first frame, which may be anything.
    ///   - endpoint: Where it came by.
    ///   - time: Nanoseconds since the Unix epoch.
    mutating func record(_ cause: DropCause, id: Span<UInt8>, from endpoint: IngestEndpoint, time: Int64) {
        if time - windowStart >= Self.window {
            flush()
            windowStart = time
            lines = 0
        }
        guard lines < Self.linesPerSecond else {
            unlogged += 1
            return
        }
        lines += 1
        let shown = String(decoding: Array(copying: id).prefix(StreamID.maximumLength), as: UTF8.self).debugDescription
        logger.warning("dropped a message of \(shown) from \(endpoint): \(cause.explanation) (\(cause.rawValue))")
    }

    /// Says how many drops were not logged one by one.
    mutating func flush() {
        guard unlogged > 0 else { return }
        logger.warning("dropped \(unlogged) more messages; 'status' counts them by cause")
        unlogged = 0
    }
}
