#if Cluster
import NATS

/// Follows one stream of JetStream from a sequence on, with a pull consumer without acknowledgements. Several followers
/// share one ``Inbox``, and with it one thread.
///
/// Messages that are on their way to a connection that breaks are lost, and a consumer can go silent without an error.
/// A follower therefore checks that the consumer's deliveries are continuous, and that heartbeats come. Otherwise it
/// goes on with a new consumer behind the last message that it passed on, at most once per ``restartInterval``.
final class StreamFollower {
    /// The meaning of a message of the inbox for a follower.
    enum Arrival: Equatable {
        /// The message belongs to someone else.
        case foreign
        /// The message tells the follower something, and is dealt with.
        case status
        /// The message is the next one of the stream.
        case message(Delivery)
    }

    /// The limits of the messages that are asked for but not delivered yet. Up to half as much again may be on its way.
    struct Window {
        var messages = 256
        /// At least the size of the largest message of the stream.
        var bytes = 4 << 20
    }

    /// The least time between two new consumers. NATS suffers from many of them.
    static let restartInterval: Int64 = 1_000_000_000
    /// The time for which the server keeps a pull request open.
    private static let pullTime: Int64 = 5_000_000_000
    /// The time of silence after which the server sends a heartbeat.
    private static let heartbeat: Int64 = 1_000_000_000
    /// The time of silence after which the consumer counts as lost.
    private static let silence: Int64 = 2_500_000_000
    /// The time without a pull after which the consumer may be gone.
    private static let idleTime: Int64 = 8_000_000_000
    /// The number of pull requests whose statuses the follower recognizes.
    private static let knownPulls = 16

    private enum State {
        case stopped
        /// A consumer is to be created.
        case restarting
        /// The server has been asked for a consumer.
        case creating(token: UInt64)
        case following
    }

    private let stream: String
    private let subjects: [String]
    private let inbox: Inbox
    private let window: Window
    private let name = "f" + String(UInt64.random(in: .min ... .max), radix: 16)

    private var state = State.stopped
    /// The sequence of the next message to pass on, or of one before it.
    private(set) var next: UInt64 = 1
    /// The number of consumers so far.
    private var consumerCount = 0
    private var consumer = ""
    /// The number of messages that the consumer has delivered.
    private var delivered: UInt64 = 0
    /// The number of messages that the stream had behind the last one that arrived; nil until the server has told it.
    private(set) var pendingCount: UInt64?
    private var startedAt = Int64.min / 2
    private var heardAt: Int64 = 0
    private var pulledAt: Int64 = 0
    /// The tokens of the last pull requests, oldest first.
    private var pulls: [UInt64] = []
    /// The number of messages asked for that have not arrived.
    private var expectedMessages = 0
    private var expectedBytes = 0

    /// Creates a follower that is stopped.
    ///
    /// - Parameters:
    ///   - stream: The stream.
    ///   - subjects: The subjects of the messages to follow; empty for all.
    ///   - inbox: The inbox of the thread that owns the follower.
    ///   - window: The limits of what is on its way.
    init(stream: String, subjects: [String] = [], inbox: Inbox, window: Window = Window()) {
        self.stream = stream
        self.subjects = subjects
        self.inbox = inbox
        self.window = window
    }

    /// Whether the follower has a consumer that delivers, as far as is known.
    var isFollowing: Bool { if case .following = state { true } else { false } }

    /// Goes on from a sequence, with a new consumer. ``turn(at:wants:)`` creates it.
    ///
    /// - Parameter sequence: The sequence; 0 for the last message of each subject and all that follow.
    func follow(from sequence: UInt64) {
        deleteConsumer()
        next = sequence
        state = .restarting
    }

    /// Stops. Messages on their way become foreign.
    func stop() {
        deleteConsumer()
        state = .stopped
    }

    /// Lets time pass: creates a consumer if there is none, and asks for messages.
    ///
    /// - Parameters:
    ///   - now: The current time of the ``SteadyClock``.
    ///   - wants: Whether the owner has room for more messages. Messages that were asked for before may still arrive.
    func turn(at now: Int64, wants: Bool) {
        switch state {
        case .stopped: return
        case .restarting: if now - startedAt >= Self.restartInterval { createConsumer(at: now) }
        case .creating: if now - startedAt >= Self.silence { follow(from: next) }
        case .following:
            // After a long step of another partition, the heartbeat may still wait in the inbox.
            let isSilent = expectedMessages > 0 && now - heardAt >= Self.silence
            if isSilent, inbox.pendingCount == 0 { return follow(from: next) }
            guard wants else { return }
            if expectedMessages == 0, now - pulledAt >= Self.idleTime { return follow(from: next) }
            if expectedMessages < window.messages / 2 || expectedBytes < window.bytes / 2 { pull(at: now) }
        }
    }

    // MARK: Arrivals

    /// Takes a message of the inbox.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - now: The current time of the ``SteadyClock``.
    /// - Returns: The meaning of the message.
    func take(_ message: Message, at now: Int64) -> Arrival { take(message, message.delivery, at: now) }

    /// Takes a message of the inbox whose delivery is known.
    func take(_ message: Message, _ delivery: Delivery?, at now: Int64) -> Arrival {
        if let delivery { return take(delivery, byteCount: message.payload.count, at: now) }
        guard let token = message.token else { return .foreign }
        if case .creating(token) = state {
            finishCreation(message, at: now)
            return .status
        }
        guard pulls.contains(token) else { return .foreign }
        heardAt = now
        if let status = message.status, !status.isHeartbeat { endPull(status, message) }
        return .status
    }

    private func take(_ delivery: Delivery, byteCount: Int, at now: Int64) -> Arrival {
        guard delivery.stream == stream, delivery.consumer == consumer else { return .foreign }
        heardAt = now
        guard delivery.consumerSequence == delivered + 1, delivery.sequence >= next else {
            follow(from: next)
            return .status
        }
        delivered += 1
        pendingCount = delivery.pendingCount
        next = delivery.sequence + 1
        expectedMessages = max(0, expectedMessages - 1)
        expectedBytes = expectedMessages == 0 ? 0 : max(0, expectedBytes - byteCount)
        return .message(delivery)
    }

    private func finishCreation(_ answer: Message, at now: Int64) {
        guard let consumer = try? ConsumerInformation(answer) else {
            state = .restarting
            return
        }
        state = .following
        pendingCount = consumer.pendingCount
        heardAt = now
        pull(at: now)
    }

    /// The server has ended a pull request, and says how much of it is left.
    private func endPull(_ status: Status, _ message: Message) {
        if let messages = message.header("Nats-Pending-Messages").flatMap({ Int($0) }) {
            let bytes = message.header("Nats-Pending-Bytes").flatMap { Int($0) } ?? 0
            expectedMessages = max(0, expectedMessages - messages)
            expectedBytes = expectedMessages == 0 ? 0 : max(0, expectedBytes - bytes)
        } else if status.isEndOfPull {
            (expectedMessages, expectedBytes) = (0, 0)
        } else {
            // The consumer is deleted, its server stops, or another server leads it.
            follow(from: next)
        }
    }

    // MARK: Requests

    private func createConsumer(at now: Int64) {
        startedAt = now
        consumerCount += 1
        consumer = "\(name)-\(consumerCount)"
        delivered = 0
        let configuration = ConsumerConfiguration(
            stream: stream, name: consumer, start: next == 0 ? .lastPerSubject : .sequence(next), subjects: subjects)
        // While the connection is down, nothing is sent; the next attempt follows after the interval.
        if let token = try? inbox.send(JetStream.create(configuration)) { state = .creating(token: token) }
    }

    /// Forgets the consumer, and asks the server to do so at once. Otherwise, the server does so after 10 s.
    private func deleteConsumer() {
        if !consumer.isEmpty { _ = try? inbox.send(JetStream.deleteConsumer(consumer, of: stream)) }
        consumer = ""
        pulls = []
        (expectedMessages, expectedBytes) = (0, 0)
    }

    private func pull(at now: Int64) {
        let request = JetStream.pull(
            window.messages, maximumBytes: window.bytes, expires: Self.pullTime, heartbeat: Self.heartbeat,
            from: consumer, of: stream)
        guard let token = try? inbox.send(request) else { return follow(from: next) }
        if expectedMessages == 0 { heardAt = now }
        pulledAt = now
        if pulls.count == Self.knownPulls { pulls.removeFirst() }
        pulls.append(token)
        expectedMessages += window.messages
        expectedBytes += window.bytes
    }
}
#endif
