#if Cluster
import Cluster
import Logging
import Streams
import Wire
import ZeroMQ

/// Receives producers' messages, and checks everything that can be checked without the streams' states. The rest is up
/// to the owner of the partition, who counts what it drops.
struct GatewayIngest: ~Copyable {
    /// The number of messages between two looks at the clock.
    private static let messagesPerLook = 32

    let sockets: [IngestSocket]
    private let routes: ModelRoutes
    private let maximumMessageSize: Int
    private var parsed = ParsedTimesteps()
    /// The dictionaries that messages in the codec `batch` refer to. Producers announce them again after a restart.
    private var dictionaries = StreamDictionaries([])
    private var dropLog: DropLog

    /// The number of messages received.
    private(set) var messages: UInt64 = 0
    /// The number of malformed messages, or entries of messages in the codec `batch`, by cause.
    private(set) var dropped: [DropCause: UInt64] = [:]
    /// The number of messages that were discarded because the buffer was full.
    private(set) var discarded: UInt64 = 0

    /// Opens the sockets.
    ///
    /// - Throws: `ZeroMQError`, for example if an address is in use.
    init(
        _ configuration: DaemonConfiguration, routes: ModelRoutes, in context: Context, by access: AccessGuard,
        logger: Logger
    ) throws(ZeroMQError) {
        sockets = try configuration.ingest.map { endpoint throws(ZeroMQError) in
            try IngestSocket(endpoint, highWaterMark: configuration.highWaterMark, in: context, by: access)
        }
        self.routes = routes
        maximumMessageSize = configuration.access.maximumMessageSize
        dropLog = DropLog(logger)
    }

    /// Receives messages from a socket until none is there, or the time is over.
    ///
    /// - Parameters:
    ///   - socket: The socket.
    ///   - time: The time to spend at most, in nanoseconds.
    ///   - message: The buffer for messages.
    ///   - publisher: The destination.
    /// - Returns: Whether any message was received.
    /// - Throws: `ZeroMQError` if the socket failed.
    mutating func receive(
        from socket: IngestSocket, for time: Int64, by message: inout IngestMessage,
        into publisher: inout GatewayPublisher
    ) throws(ZeroMQError) -> Bool {
        let start = SteadyClock.now()
        var now = start
        var count = 0
        while now - start < time, publisher.hasRoom(for: socket) {
            for _ in 0..<Self.messagesPerLook {
                guard publisher.hasRoom(for: socket),
                    try receive(from: socket, by: &message, into: &publisher, at: now)
                else { return finish(count) }
                count += 1
            }
            now = SteadyClock.now()
        }
        return finish(count)
    }

    private mutating func finish(_ count: Int) -> Bool {
        messages &+= UInt64(count)
        return count > 0
    }

    private mutating func receive(
        from socket: IngestSocket, by message: inout IngestMessage, into publisher: inout GatewayPublisher,
        at now: Int64
    ) throws(ZeroMQError) -> Bool {
        if socket.codec == .batch {
            guard try socket.receiveBatch() else { return false }
        } else {
            guard try socket.receive(into: &message) else { return false }
        }
        guard !publisher.buffer.isFull else {
            discarded += 1
            return true
        }
        if socket.codec == .batch {
            takeBatch(from: socket, into: &publisher, at: now)
        } else {
            do throws(DropCause) {
                try take(message, from: socket, into: &publisher, at: now)
            } catch {
                dropped[error, default: 0] += 1
                dropLog.record(error, id: message.id.bytes, from: socket.endpoint, at: now)
            }
        }
        return true
    }

    private mutating func take(
        _ message: borrowing IngestMessage, from socket: IngestSocket, into publisher: inout GatewayPublisher,
        at now: Int64
    ) throws(DropCause) {
        if message.exceeds(maximumMessageSize) { throw .tooLarge }
        guard socket.codec == .binary else {
            try parsed.read(
                socket.codec, frames: message.frameCount, first: message.id.bytes, second: message.payload.bytes)
            guard StreamID.isValid(parsed.id.span) else { throw .id }
            let payload = try routes.payload(of: parsed)
            return try publisher.buffer.add(
                id: parsed.id.span, header: parsed.header.unlessUsual, payload: unsafe payload.span.bytes, at: now)
        }
        guard message.frameCount == 2 || message.frameCount == 3 else { throw .frames }
        guard StreamID.isValid(message.id.bytes) else { throw .id }
        let header = message.frameCount == 3 ? try TimestepHeader(message.header) : nil
        _ = try Timesteps.count(in: message.payload.rawBytes, features: 1)
        try publisher.buffer.add(id: message.id.bytes, header: header, payload: message.payload.rawBytes, at: now)
    }

    /// Writes the log lines that are due at the end.
    mutating func flushLog() { dropLog.flush() }
}

/// The codec `batch`: each entry becomes a message of its own in the log.
extension GatewayIngest {
    private mutating func takeBatch(
        from socket: IngestSocket, into publisher: inout GatewayPublisher, at now: Int64
    ) {
        do throws(DropCause) {
            _ = try dictionaries.begin(&socket.batch.value, maximumSize: maximumMessageSize)
        } catch {
            dropped[error, default: 0] += 1
            return dropLog.record(error, id: Span(), from: socket.endpoint, at: now)
        }
        guard let layout = socket.batch.value.layout else { return }
        for entry in 0..<layout.count {
            take(entry, of: socket.batch.value, layout, from: socket, into: &publisher, at: now)
        }
        socket.batch.value.advance(to: layout.count)
    }

    private mutating func take(
        _ entry: Int, of batch: borrowing ReceivedBatch, _ layout: BatchLayout, from socket: IngestSocket,
        into publisher: inout GatewayPublisher, at now: Int64
    ) {
        if let dictionary = batch.numbered?.dictionary {
            let id = dictionary.id(layout.number(of: entry, in: batch.streams.rawBytes))
            take(entry, id, of: batch, layout, from: socket, into: &publisher, at: now)
        } else {
            let id = PaddedIDs.id(at: entry, in: batch.streams.bytes, width: layout.width)
            take(entry, id, of: batch, layout, from: socket, into: &publisher, at: now)
        }
    }

    private mutating func take(
        _ entry: Int, _ id: Span<UInt8>, of batch: borrowing ReceivedBatch, _ layout: BatchLayout,
        from socket: IngestSocket, into publisher: inout GatewayPublisher, at now: Int64
    ) {
        do throws(DropCause) {
            guard StreamID.isValid(id) else { throw .id }
            // In the log, floats and tokens look alike.
            guard try routes.takesTokens(id) == (layout.type == .int32) else { throw .length }
            let header = layout.header(of: entry, sequences: batch.sequences.rawBytes, flags: batch.flags.rawBytes)
            try publisher.buffer.add(
                id: id, header: header.unlessUsual, payload: layout.row(of: entry, in: batch.values.rawBytes), at: now)
        } catch {
            dropped[error, default: 0] += 1
            dropLog.record(error, id: id, from: socket.endpoint, at: now)
        }
    }
}

extension TimestepHeader {
    /// The header; nil if a message without a header means the same.
    fileprivate var unlessUsual: TimestepHeader? { self == TimestepHeader() ? nil : self }
}
#endif
