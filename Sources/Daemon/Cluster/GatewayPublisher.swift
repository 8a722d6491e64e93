#if Cluster
import Cluster
import Logging
import NATS
import Wire

/// Carries the messages of a ``GatherBuffer`` to JetStream.
struct GatewayPublisher: ~Copyable {
    /// The reason why producers that can wait have to wait.
    private enum Stall: String {
        case disconnected = "the connection to NATS is down"
        case logFull = "a partition's log is full, as its owner is behind or there is none"
        case bufferFull = "too many messages wait for NATS to store them"
    }

    /// The time after which a stall is logged again, in nanoseconds.
    private static let tellInterval: Int64 = 10_000_000_000

    private let connection: Connection
    private let inbox: Inbox
    private let logger: Logger
    /// A name for this run of the gateway, which begins the names of its messages.
    private let run = String(UInt64.random(in: .min ... .max), radix: 36)
    private let subjects: [String]

    /// The messages on their way.
    var buffer: GatherBuffer
    /// The attempts whose answers are awaited.
    private var attempts: [UInt64: GatherBuffer.Attempt] = [:]
    private var unheardCount = 0
    /// Whether the connection was up at the last look.
    private(set) var isConnected = true
    private var told: (stall: Stall, at: Int64)?

    /// - Parameters:
    ///   - partitions: The number of partitions.
    ///   - payloadLimit: The bytes of timesteps at which a message of the log is complete.
    ///   - connection: The gateway's own connection.
    ///   - logger: The daemon's log.
    /// - Throws: `NATSError` if the connection is closed.
    init(partitions: Int, payloadLimit: Int, connection: Connection, logger: Logger) throws(NATSError) {
        inbox = try Inbox(on: connection)
        self.connection = connection
        self.logger = logger
        subjects = (0..<partitions).map { ClusterNames.logSubject($0) }
        buffer = GatherBuffer(partitions: partitions, payloadLimit: payloadLimit)
    }

    /// Whether producers that can wait have to wait.
    var isStalled: Bool { stall != nil }

    /// Whether messages may be received from a socket. Producers at a PULL socket wait while NATS takes no messages.
    /// Producers at a SUB socket cannot wait: their messages gather, and are discarded once the buffer is full.
    func hasRoom(for socket: IngestSocket) -> Bool { socket.endpoint.kind == .sub || !isStalled }

    private var stall: Stall? {
        if !isConnected { return .disconnected }
        if buffer.fullLogCount > 0 { return .logFull }
        return buffer.isFull ? .bufferFull : nil
    }

    /// Takes the answers that have arrived, and sends what is due.
    ///
    /// - Throws: `NATSError` if the connection is closed for good.
    mutating func turn(at now: Int64) throws(NATSError) {
        noticeConnection()
        try takeAnswers(at: now)
        buffer.turn(at: now)
        if isConnected { send(at: now) }
        tellStall(at: now)
    }

    private mutating func noticeConnection() {
        let wasConnected = isConnected
        isConnected = connection.isConnected
        if isConnected, !wasConnected { buffer.loseAnswers() }
    }

    private mutating func takeAnswers(at now: Int64) throws(NATSError) {
        while let message = try inbox.next(timeoutMilliseconds: 0) {
            guard let token = message.token, let attempt = attempts.removeValue(forKey: token) else { continue }
            do throws(JetStreamError) {
                _ = try PublishAcknowledgement(message)
                buffer.stored(attempt, at: now)
            } catch {
                buffer.refused(attempt, isLogFull: error.isFull, at: now)
            }
        }
        guard inbox.unheardCount != unheardCount else { return }
        unheardCount = inbox.unheardCount
        buffer.loseAnAnswer(at: now)
    }

    private mutating func send(at now: Int64) {
        while let attempt = buffer.takeReady(at: now) {
            let headers = PublishHeaders(messageID: "\(run)-\(attempt.number)").list
            do throws(NATSError) {
                let token = try inbox.request(
                    subjects[attempt.partition], buffer.bytes(of: attempt).span, headers: headers)
                attempts[token] = attempt
            } catch {
                buffer.refused(attempt, at: now)
            }
        }
        // Answers that never come would pile up.
        if attempts.count > 1024 + 4 * subjects.count { attempts = attempts.filter { buffer.awaits($0.value) } }
    }

    /// The time to wait for producers before the next turn, in milliseconds.
    func millisecondsToWait(at now: Int64) -> Int {
        guard isConnected else { return 20 }
        // NATS' answers do not end the wait, so it is short while some are awaited.
        if buffer.underWayCount > 0 { return 1 }
        guard let time = buffer.timeUntilDue(at: now) else { return 100 }
        return min(100, Int((time + 999_999) / 1_000_000))
    }

    private mutating func tellStall(at now: Int64) {
        guard let stall else {
            if told != nil, buffer.isEmpty {
                logger.info("NATS takes producers' messages again")
                told = nil
            }
            return
        }
        guard told?.stall != stall || now - (told?.at ?? now) >= Self.tellInterval else { return }
        told = (stall, now)
        logger.warning("producers wait: \(stall.rawValue)")
    }
}
#endif
