public import Store
public import Streams
public import Wire
public import ZeroMQ

/// All that can be chosen of a daemon: by flags, by a file, or here. The defaults are those of the protocol.
public struct DaemonConfiguration: Equatable, Sendable {
    /// The ways to begin where stored state is damaged, or a file of it is missing or older than the rest.
    public enum OnDamagedState: String, CaseIterable, Sendable {
        /// The daemon does not start, and nothing is changed.
        case refuse
        /// What is damaged is moved into a folder of its own, and the daemon goes on with the rest.
        case setAside = "set-aside"
    }

    /// How much a crash may lose.
    public enum Durability: String, CaseIterable, Sendable {
        /// All state: it lives in memory only.
        case memory
        /// What changed since the last checkpoint.
        case checkpoint
        /// Nothing: what is decided on is in a journal before the decision is published.
        case journal
    }

    /// One model to serve.
    public struct Model: Equatable, Sendable {
        /// Its name in `status`.
        public var name: String
        /// The Keras file.
        public var file: String
        /// How it is served, but for the mode and what it publishes, which may be left to the file.
        public var policy: ServingPolicy
        /// The mode asked for; nil: the one that the file asks for.
        public var mode: ServingPolicy.Mode?
        /// The decisions asked for; nil: those that the mode publishes by itself.
        public var emit: ServingPolicy.Emit?

        /// Creates an entry.
        ///
        /// - Parameters:
        ///   - name: Its name in `status`.
        ///   - file: The Keras file.
        ///   - policy: How it is served, but for mode and emit.
        ///   - mode: The mode asked for; nil: the one that the file asks for.
        ///   - emit: The decisions asked for; nil: those that the mode publishes by itself.
        public init(
            name: String, file: String, policy: ServingPolicy, mode: ServingPolicy.Mode? = nil,
            emit: ServingPolicy.Emit? = nil
        ) {
            self.name = name
            self.file = file
            self.policy = policy
            self.mode = mode
            self.emit = emit
        }
    }

    /// Where timesteps come in, and how they are written there.
    public struct Ingest: Equatable, Sendable {
        /// Where, and by what kind of socket.
        public var endpoint: IngestEndpoint
        /// How they are written.
        public var codec: IngestCodec
        /// The public key of whoever is called there, where the endpoint connects and the other side uses CURVE.
        public var serverKey: CurvePublicKey?

        /// Creates an entry.
        ///
        /// - Parameters:
        ///   - endpoint: Where, and by what kind of socket.
        ///   - codec: How they are written.
        ///   - serverKey: The public key of whoever is called there, if any.
        public init(_ endpoint: IngestEndpoint, codec: IngestCodec = .binary, serverKey: CurvePublicKey? = nil) {
            self.endpoint = endpoint
            self.codec = codec
            self.serverKey = serverKey
        }
    }

    /// Where decisions go out, and how they are written there.
    public struct Decisions: Equatable, Sendable {
        /// Where.
        public var endpoint: Endpoint
        /// How they are written.
        public var codec: DecisionCodec
        /// A new subscriber is told where the streams stand that it subscribes to.
        public var lastValue = false

        /// Creates an entry.
        ///
        /// - Parameters:
        ///   - endpoint: Where.
        ///   - codec: How they are written.
        public init(_ endpoint: Endpoint, codec: DecisionCodec = .binary) {
            self.endpoint = endpoint
            self.codec = codec
        }
    }

    /// Where timesteps come in; at least one.
    public var ingest = [Ingest(IngestEndpoint(.sub, Endpoint(.bind, "tcp://127.0.0.1:5550")))]
    /// Where decisions go out.
    public var decisions = Decisions(Endpoint(.bind, "tcp://127.0.0.1:5551"))
    /// Where requests are taken.
    public var control = Endpoint(.bind, "tcp://127.0.0.1:5552")
    /// Messages that may wait for each peer: at an ingest socket, and for a subscriber to decisions; see
    /// ``isHighWaterMark(_:)``.
    public var highWaterMark = 100_000
    /// Where HTTP is answered, and to whom: metrics and health.
    public var http = HTTPConfiguration()
    /// How the log is written.
    public var logFormat = LogFormat.text
    /// The least that is logged; `log_level` changes it while the daemon runs.
    public var logLevel = LogLevel.info
    /// Who may come in.
    public var access = AccessConfiguration()
    /// The folder that keeps the state; nil: memory only.
    public var stateFolder: String?
    /// How much a crash may lose.
    public var durability = Durability.checkpoint
    /// Seconds from one checkpoint to the next; see ``isInterval(_:)``.
    public var checkpointInterval = 5.0
    /// Seconds without a timestep after which a stream's state is in the store alone; nil: never. Needs a ``durableFolder``.
    public var idleAfter: Double?
    /// Seconds without a timestep after which a stream is removed; nil: never.
    public var forgetAfter: Double?
    /// The most streams that there may be before new ones are refused; nil: no limit.
    public var maximumStreams: Int?
    /// What becomes of stored state of other weights at the start.
    public var onOtherWeights = StreamTable.OtherWeights.refuse
    /// What becomes of a state folder that is damaged.
    public var onDamagedState = OnDamagedState.refuse
    /// Megabytes of records in the journal at which a checkpoint is made early; see ``isJournalSize(_:)``.
    public var journalMegabytes = 256
    /// Whether a commit of the journal waits for the disk.
    public var journalSync = Journal.Sync.full
    /// Threads that step streams.
    public var workers = 1
    /// Threads that carry bytes between the sockets and the network.
    public var ioThreads = 1
    /// What is served; at least one.
    public var models: [Model] = []

    /// The defaults, which serve no model yet.
    public init() {}

    /// The most threads of a kind.
    public static let maximumThreads = 256

    /// Whether there can be so many threads of a kind.
    public static func isThreadCount(_ count: Int) -> Bool { (1...maximumThreads).contains(count) }

    /// Whether checkpoints can be so many seconds apart: more than none, at most a year.
    ///
    /// - Parameter seconds: From one checkpoint to the next.
    /// - Returns: False for what no clock can count too.
    public static func isInterval(_ seconds: Double) -> Bool {
        seconds > 0 && seconds <= 31_536_000
    }

    /// Whether so many messages may wait: at least 1, at most a hundred million.
    ///
    /// - Parameter messages: For each peer.
    /// - Returns: False for what is none.
    public static func isHighWaterMark(_ messages: Int) -> Bool {
        (1...100_000_000).contains(messages)
    }

    /// Whether checkpoints are kept.
    public var keepsState: Bool { durableFolder != nil }

    /// Whether the journal can have so many megabytes: at least 1, at most a terabyte.
    ///
    /// - Parameter megabytes: Of records, before a checkpoint is made early.
    /// - Returns: False for what is none.
    public static func isJournalSize(_ megabytes: Int) -> Bool {
        (1...1_000_000).contains(megabytes)
    }

    /// Bytes of records in the journal at which a checkpoint is made early.
    var journalSize: Int { journalMegabytes * 1_000_000 }

    /// The folder in which checkpoints are really kept; nil where all lives in memory.
    var durableFolder: String? { durability == .memory ? nil : stateFolder }
}
