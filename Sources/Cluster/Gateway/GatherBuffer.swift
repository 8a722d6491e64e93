package import Wire

/// The messages of producers on their way into the partitions' logs. The buffer does no input or output, and has no
/// clock: it says which message of a log to send next, and learns what became of it.
///
///     producers ──add──▶ open ─▶ full … ─▶ head ──takeReady──▶ NATS
///                                            ▲                   │
///                                            └─ refused, silent ─┴─ stored ─▶ gone
///
/// A partition has one message under way at a time, and the next one gathers meanwhile. With two under way, JetStream
/// could store the second but not the first, for example while another server becomes the log's leader. A retry of
/// the first would then reorder timesteps of a stream, and the stream's sequence numbers would drop them.
///
/// A message whose fate is unknown is sent again with the same name until JetStream confirms it. JetStream recognizes
/// the name of a message that it has stored, for the log's `duplicate_window`. Each message is therefore stored at least
/// once, and twice only if the answer came late by more than that. Then the streams' sequence numbers drop the second
/// copy; timesteps without sequence numbers are consumed twice.
///
/// A partition that was silent for ``gatherTime`` sends its first message at once. A busy one sends a message every
/// ``gatherTime``, or as soon as it has gathered ``gatherLength``, so that NATS does not carry a message for each
/// timestep.
package struct GatherBuffer: ~Copyable {
    /// One attempt to store a message.
    package struct Attempt: Equatable, Sendable {
        /// The partition.
        package let partition: Int
        /// The message's number in its partition, from 1.
        package let number: UInt64
        /// The number of the attempt, from 1.
        package let attempt: Int
    }

    /// The bytes after which a message is sent before ``gatherTime`` is over.
    package static let gatherLength = 64 << 10
    /// The least time between two messages of a partition that are shorter than ``gatherLength``, in nanoseconds.
    package static let gatherTime: Int64 = 1_000_000
    /// The time after which a message without an answer is sent again, in nanoseconds.
    package static let patience: Int64 = 2_000_000_000
    /// The time after which a refused message is sent again, in nanoseconds.
    package static let retryTime: Int64 = 100_000_000

    fileprivate enum State {
        /// Nothing is there to send.
        case empty
        /// The messages gather, or wait for a retry, until this time.
        case waiting(until: Int64)
        /// The partition is in the list of those that can send.
        case ready
        /// A message is under way. It is sent again at this time.
        case underWay(until: Int64)
    }

    fileprivate struct Lane {
        var state = State.empty
        /// The message that is under way, or to be sent next; without entries if there is none.
        var head = LogMessageBuilder()
        /// The number of `head`, or of the last message if there is none.
        var number: UInt64 = 0
        var attempt = 0
        /// Complete messages behind `head`, oldest first.
        var full: [LogMessageBuilder] = []
        /// The message that gathers.
        var open = LogMessageBuilder()
        /// The number of bytes of timesteps in `open`.
        var openPayload = 0
        /// The time at which the last message was first sent.
        var sentAt = Int64.min / 2
        /// Whether JetStream refused `head` because the log is full.
        var isLogFull = false
    }

    private var lanes: [Lane]
    private var ready: [Int] = []
    /// The time at which some partition's wait may be over.
    private var due = Int64.max
    private let payloadLimit: Int
    private let byteLimit: Int
    /// The bytes of all messages that JetStream has not confirmed.
    package private(set) var byteCount = 0
    /// The number of messages under way.
    package private(set) var underWayCount = 0
    /// The number of partitions whose log is full.
    package private(set) var fullLogCount = 0
    /// The number of messages that JetStream has confirmed.
    package private(set) var storedCount: UInt64 = 0
    /// The number of attempts after the first one of a message.
    package private(set) var retryCount: UInt64 = 0

    /// Creates an empty buffer.
    ///
    /// - Parameters:
    ///   - partitions: The number of partitions.
    ///   - payloadLimit: The bytes of timesteps at which a message is complete, so that the decisions on it fit in one
    ///     message of the chain.
    ///   - byteLimit: The bytes from which ``isFull`` holds.
    package init(partitions: Int, payloadLimit: Int = .max, byteLimit: Int = 64 << 20) {
        lanes = Array(repeating: Lane(), count: partitions)
        self.payloadLimit = payloadLimit
        self.byteLimit = byteLimit
    }

    /// Whether the buffer has no room for further messages.
    package var isFull: Bool { byteCount >= byteLimit }

    /// Whether all messages are stored.
    package var isEmpty: Bool { byteCount == 0 }

    // MARK: Gathering

    /// Adds a message of a producer.
    ///
    /// - Parameters:
    ///   - id: The stream's id, at most 255 bytes.
    ///   - header: The header; nil for none.
    ///   - payload: The timesteps, as float32.
    ///   - now: The monotonic clock in nanoseconds.
    /// - Throws: ``DropCause/tooLarge`` if the message does not fit in a message of the log.
    package mutating func add(
        id: Span<UInt8>, header: TimestepHeader?, payload: RawSpan, at now: Int64
    ) throws(DropCause) {
        let index = Partitioning.partition(of: id, count: lanes.count)
        let before = lanes[index].open.bytes.count
        let length = lanes[index].open.length(withID: id.count, header: header != nil, payload: payload.byteCount)
        let isComplete =
            length > LogMessage.maximumLength || lanes[index].openPayload + payload.byteCount > payloadLimit
        if isComplete, before > 0 {
            lanes[index].closeOpen()
            return try add(id: id, header: header, payload: payload, at: now)
        }
        guard length <= LogMessage.maximumLength else { throw .tooLarge }
        lanes[index].open.append(id: id, header: header, payload: payload)
        lanes[index].openPayload += payload.byteCount
        byteCount += lanes[index].open.bytes.count - before
        switch lanes[index].state {
        case .empty: gather(index, at: now)
        case .waiting where lanes[index].gathersOnly && lanes[index].isLong: makeReady(index)
        case .waiting, .ready, .underWay: break
        }
    }

    /// Sends the gathered messages of a partition at once, or waits until ``gatherTime`` is over.
    private mutating func gather(_ index: Int, at now: Int64) {
        let end = lanes[index].sentAt + Self.gatherTime
        if lanes[index].isLong || now >= end { makeReady(index) } else { wait(index, until: end) }
    }

    private mutating func wait(_ index: Int, until time: Int64) {
        lanes[index].state = .waiting(until: time)
        due = min(due, time)
    }

    private mutating func makeReady(_ index: Int) {
        lanes[index].state = .ready
        ready.append(index)
    }

    // MARK: Sending

    /// Returns the next message to send; nil if there is none. The message then counts as under way.
    package mutating func takeReady(at now: Int64) -> Attempt? {
        guard let index = ready.popLast() else { return nil }
        if lanes[index].head.count == 0 {
            lanes[index].takeHead()
            lanes[index].sentAt = now
        } else {
            retryCount += 1
        }
        lanes[index].attempt += 1
        lanes[index].state = .underWay(until: now + Self.patience)
        due = min(due, now + Self.patience)
        underWayCount += 1
        return Attempt(partition: index, number: lanes[index].number, attempt: lanes[index].attempt)
    }

    /// The message of an attempt that ``takeReady(at:)`` has just returned.
    package func bytes(of attempt: Attempt) -> [UInt8] { lanes[attempt.partition].head.bytes }

    /// Lets time pass.
    package mutating func turn(at now: Int64) {
        guard now >= due else { return }
        due = .max
        for index in lanes.indices {
            switch lanes[index].state {
            case .waiting(let time) where now >= time: makeReady(index)
            case .underWay(let time) where now >= time:
                underWayCount -= 1
                makeReady(index)
            case .waiting(let time), .underWay(let time): due = min(due, time)
            case .empty, .ready: break
            }
        }
    }

    /// The nanoseconds until ``turn(at:)`` has work; 0 if a message can be sent at once; nil if nothing waits.
    package func timeUntilDue(at now: Int64) -> Int64? {
        guard ready.isEmpty else { return 0 }
        return due == .max ? nil : max(0, due - now)
    }

    // MARK: Answers

    /// Whether the answer to an attempt may still matter. Of many attempts, only the last few do.
    package func awaits(_ attempt: Attempt) -> Bool {
        let lane = lanes[attempt.partition]
        return lane.number == attempt.number && lane.head.count > 0 && attempt.attempt + 3 > lane.attempt
    }

    /// JetStream has stored the message of an attempt.
    package mutating func stored(_ attempt: Attempt, at now: Int64) {
        let index = attempt.partition
        // An earlier attempt counts, too: JetStream recognizes the later ones.
        guard lanes[index].number == attempt.number, lanes[index].head.count > 0 else { return }
        if case .underWay = lanes[index].state { underWayCount -= 1 }
        storedCount += 1
        byteCount -= lanes[index].head.bytes.count
        setLogFull(index, false)
        lanes[index].dropHead()
        if case .ready = lanes[index].state { ready.removeAll { $0 == index } }
        lanes[index].state = .empty
        if lanes[index].open.count > 0 || !lanes[index].full.isEmpty { gather(index, at: now) }
    }

    /// JetStream has refused the message of an attempt, or the message could not be sent.
    ///
    /// - Parameters:
    ///   - attempt: The attempt.
    ///   - isLogFull: Whether the log is full.
    ///   - now: The monotonic clock in nanoseconds.
    package mutating func refused(_ attempt: Attempt, isLogFull: Bool = false, at now: Int64) {
        let index = attempt.partition
        // If a later attempt is under way, its answer decides.
        guard isCurrent(attempt), case .underWay = lanes[index].state else { return }
        underWayCount -= 1
        setLogFull(index, isLogFull)
        wait(index, until: now + Self.retryTime)
    }

    /// The connection broke, so the messages under way get no answers. They are sent again at once.
    package mutating func loseAnswers() { shortenPatience(to: 0) }

    /// Some message was sent to a log without a leader. NATS does not say which one, so all messages under way are sent
    /// again unless their answers come within ``retryTime``.
    package mutating func loseAnAnswer(at now: Int64) { shortenPatience(to: now + Self.retryTime) }

    private mutating func shortenPatience(to end: Int64) {
        for index in lanes.indices {
            guard case .underWay(let time) = lanes[index].state else { continue }
            lanes[index].state = .underWay(until: min(time, end))
            due = min(due, end)
        }
    }

    private func isCurrent(_ attempt: Attempt) -> Bool {
        lanes[attempt.partition].number == attempt.number && lanes[attempt.partition].attempt == attempt.attempt
    }

    private mutating func setLogFull(_ index: Int, _ isFull: Bool) {
        guard lanes[index].isLogFull != isFull else { return }
        lanes[index].isLogFull = isFull
        fullLogCount += isFull ? 1 : -1
    }
}

extension GatherBuffer.Lane {
    /// Whether enough is gathered to send it before ``GatherBuffer/gatherTime`` is over.
    var isLong: Bool { !full.isEmpty || open.bytes.count >= GatherBuffer.gatherLength }

    /// Whether no message is to be sent again.
    var gathersOnly: Bool { head.count == 0 }

    mutating func closeOpen() {
        full.append(open)
        open = LogMessageBuilder()
        openPayload = 0
    }

    /// Takes the next message as `head`, which has no entries.
    mutating func takeHead() {
        if full.isEmpty {
            // The buffers change places, so that neither is allocated anew.
            swap(&head, &open)
            openPayload = 0
        } else {
            head = full.removeFirst()
        }
        number += 1
        attempt = 0
    }

    mutating func dropHead() {
        // Hundreds of partitions would otherwise keep the memory of their largest messages.
        if head.bytes.capacity > GatherBuffer.gatherLength * 2 {
            head = LogMessageBuilder()
        } else {
            head.removeAll()
        }
    }
}
