import Wire
package import ZeroMQ

/// Sends the timesteps of a file to the daemon and waits until the daemon has consumed them.
package struct Feed {
    /// The options for sending.
    package struct Options: Sendable {
        /// The meaning of a row's fields.
        package var layout: RowLayout
        /// The rate in timesteps per second; nil to send as fast as the daemon consumes.
        package var rate: Double?
        /// The maximum number of timesteps in one message, at least 1.
        package var batch: Int
        /// The maximum number of rows in one message, at least 1. If it is more than 1, a message may have timesteps of
        /// several streams.
        package var streamsPerMessage: Int
        /// Whether to number each stream's timesteps from 1 and skip timesteps that the daemon has already consumed.
        package var resumes: Bool
        /// The client's side of the daemon's ingest endpoint; nil to ask the daemon.
        package var ingest: IngestEndpoint?
        /// The maximum time to wait for one reply, or for room to send one message, in seconds.
        package var timeoutSeconds: Double

        /// Creates options. Each parameter sets the property of the same name.
        package init(
            layout: RowLayout, rate: Double?, batch: Int, streamsPerMessage: Int = 1, resumes: Bool,
            ingest: IngestEndpoint?,
            timeoutSeconds: Double
        ) {
            self.layout = layout
            self.rate = rate
            self.batch = batch
            self.streamsPerMessage = streamsPerMessage
            self.resumes = resumes
            self.ingest = ingest
            self.timeoutSeconds = timeoutSeconds
        }
    }

    private let options: Options
    private let file: InputFile
    private let control: ControlClient
    private let context: Context

    /// Creates a feed without sending anything.
    ///
    /// - Parameters:
    ///   - file: The input.
    ///   - options: The options for sending.
    ///   - control: The daemon.
    ///   - context: The ZeroMQ context in which to create the socket.
    package init(_ file: InputFile, options: Options, control: ControlClient, in context: Context) {
        self.file = file
        self.options = options
        self.control = control
        self.context = context
    }

    /// Sends the whole input. Ctrl-C or SIGTERM ends the input early.
    ///
    /// - Returns: A report.
    /// - Throws: ``ClientError`` if a row is bad, or if the daemon cannot be reached or has not consumed all timesteps.
    package func run() throws(ClientError) -> FeedReport {
        let run = try FeedRun(file, options: options, control: control, in: context)
        return try run.run()
    }
}

extension InputRow {
    /// Moves the timesteps of the next row into this row if the next row continues this one. Both rows must belong to
    /// the same stream. Their sequence numbers must be consecutive, or both rows must have none. No sequence may end or
    /// start between the rows.
    ///
    /// - Parameters:
    ///   - next: The next row.
    ///   - limit: The maximum number of timesteps in one message.
    /// - Returns: Whether the timesteps were moved.
    mutating func join(_ next: InputRow, limit: Int) -> Bool {
        let follows = sequence == 0 ? next.sequence == 0 : next.sequence == sequence &+ UInt64(timesteps)
        guard
            StreamKey(stream) == StreamKey(next.stream), follows,
            timesteps + next.timesteps <= limit, !flags.contains(.end),
            !next.flags.contains(.start)
        else { return false }
        values += next.values
        timesteps += next.timesteps
        flags.formUnion(next.flags)
        return true
    }
}
