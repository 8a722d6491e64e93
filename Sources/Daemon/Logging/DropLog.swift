import Logging
import Streams
import Wire
import ZeroMQ

/// Logs dropped messages and quarantined states at a limited rate, so that a faulty producer cannot fill the disk.
struct DropLog {
    let logger: Logger
    private var rate = LogRate()

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Logs a dropped message. Above the maximum rate, the drop is only counted.
    ///
    /// - Parameters:
    ///   - cause: The cause of the drop.
    ///   - id: The first frame, which may not be a valid id.
    ///   - endpoint: The endpoint that received the message; nil if the message was dropped after it was admitted.
    ///   - now: The current time of the ``SteadyClock``.
    mutating func record(_ cause: DropCause, id: Span<UInt8>, from endpoint: IngestEndpoint? = nil, at now: Int64) {
        guard admits(at: now) else { return }
        let origin = endpoint.map { " from \($0)" } ?? ""
        let shown = VisibleText.quoted(Array(copying: id.extracting(first: StreamID.maximumLength)))
        let more = id.count > StreamID.maximumLength ? "…" : ""
        let subject = cause == .batch || cause == .dictionary ? "batch" : "message of \(shown)\(more)"
        logger.warning("dropped a \(subject)\(origin): \(cause.explanation) (\(cause.rawValue))")
    }

    /// Logs that a state turned NaN or infinite and was reset.
    ///
    /// - Parameters:
    ///   - event: The event, which names the stream and its new state.
    ///   - now: The current time of the ``SteadyClock``.
    mutating func record(_ event: StreamEvent, at now: Int64) {
        guard event.event == .quarantined, admits(at: now) else { return }
        logger.warning(
            """
            the state of stream \(VisibleText.quoted(event.stream ?? "")) turned NaN or infinite at timestep \
            \(event.sequence ?? 0) and is reset to \(event.to ?? "zero")
            """)
    }

    /// Logs that all recent timesteps of a stream were duplicates.
    ///
    /// - Parameters:
    ///   - stuck: The stream.
    ///   - now: The current time of the ``SteadyClock``.
    mutating func record(_ stuck: StuckStream, at now: Int64) {
        guard admits(at: now) else { return }
        logger.warning(
            """
            stream \(VisibleText.quoted(stuck.id)): its last \(stuck.duplicates) timesteps were skipped as duplicates, as the \
            stream is at sequence \(stuck.sequence) already. Usually the producer has restarted its counter: let it \
            continue at \(stuck.sequence &+ 1), send timesteps without sequence, or remove the stream
            """)
    }

    private mutating func admits(at time: Int64) -> Bool {
        if rate.isOver(at: time) { flush() }
        return rate.admits(at: time)
    }

    /// Logs how many drops were not logged individually.
    mutating func flush() {
        guard rate.unlogged > 0 else { return }
        logger.warning(
            "\(rate.takeUnlogged()) more drops or faults were not logged; 'sluice status' counts them by cause")
    }
}
