import Wire
public import ZeroMQ

/// Sends the timesteps of a file to the daemon, and does not end before the daemon has consumed them.
public struct Feed {
    /// How the timesteps are sent.
    public struct Options: Sendable {
        /// Which of a row's fields mean what.
        public var layout: ReadingLayout
        /// Timesteps a second; nil: as fast as the daemon takes them.
        public var rate: Double?
        /// Timesteps that may go in one message, at least 1.
        public var batch: Int
        /// Timesteps are numbered, and those are left out that the daemon has consumed already.
        public var resumes: Bool
        /// The client's side of the daemon's ingest endpoint; nil: the daemon is asked.
        public var ingest: IngestEndpoint?
        /// Seconds that one reply, or one message's room, may take.
        public var timeoutSeconds: Double

        /// Creates options; each parameter is the property of its name.
        ///
        /// - Parameters:
        ///   - layout: Which of a row's fields mean what.
        ///   - rate: Timesteps a second; nil: as fast as the daemon takes them.
        ///   - batch: Timesteps that may go in one message.
        ///   - resumes: Timesteps are numbered, and those are left out that the daemon has consumed already.
        ///   - ingest: The client's side of the daemon's ingest endpoint; nil: the daemon is asked.
        ///   - timeoutSeconds: Seconds that one reply, or one message's room, may take.
        public init(
            layout: ReadingLayout, rate: Double?, batch: Int, resumes: Bool, ingest: IngestEndpoint?,
            timeoutSeconds: Double
        ) {
            self.layout = layout
            self.rate = rate
            self.batch = batch
            self.resumes = resumes
            self.ingest = ingest
            self.timeoutSeconds = timeoutSeconds
        }
    }

    private let options: Options
    private let file: InputFile
    private let control: ControlClient
    private let context: Context

    /// Sends nothing yet.
    ///
    /// - Parameters:
    ///   - file: Where the timesteps come from.
    ///   - options: How they are sent.
    ///   - control: The daemon.
    ///   - context: The home of the socket.
    public init(_ file: InputFile, options: Options, control: ControlClient, in context: Context) {
        self.file = file
        self.options = options
        self.control = control
        self.context = context
    }

    /// Sends everything.
    ///
    /// - Returns: What was done, in one line.
    /// - Throws: ``ClientError``: a row was wrong, the daemon cannot be reached, or it did not consume everything.
    public func run() throws(ClientError) -> String {
        let run = try FeedRun(file, options: options, control: control, in: context)
        return try run.run()
    }
}

extension Reading {
    /// Takes the timesteps of the next row into this message, where they go on from it: the same stream, no start
    /// between, numbered on or both not numbered.
    ///
    /// - Parameters:
    ///   - next: The next row.
    ///   - limit: Timesteps that one message may have.
    /// - Returns: Whether they were taken.
    mutating func join(_ next: Reading, limit: Int) -> Bool {
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
