#if Cluster
import CNATS

/// A connection to one of several NATS servers. If the connection breaks, libnats restores it, also with another server
/// of the list, and renews the subscriptions. Meanwhile ``publish(_:_:reply:headers:)`` fails at once.
///
/// `@unchecked Sendable`: any thread may use a connection of libnats
/// (<https://nats-io.github.io/nats.c/group__conn_group.html>).
@safe
public final class Connection: @unchecked Sendable {
    let pointer: OpaquePointer
    /// The servers' URLs without passwords, separated by commas.
    let servers: String
    private let events: ConnectionEvents

    /// Connects to the first server that answers.
    ///
    /// - Parameter options: The servers and the login.
    /// - Throws: ``NATSError`` with the servers, the problem and the remedy.
    public init(_ options: ConnectionOptions) throws(NATSError) {
        let urls = try options.servers.map { text throws(NATSError) in try ServerURL(text) }
        servers = urls.map(\.shown).joined(separator: ", ")
        events = ConnectionEvents()
        let attempt = ConnectionAttempt(options, urls: urls, shown: servers)
        unsafe pointer = try attempt.connect(events)
    }

    deinit {
        unsafe natsConnection_Destroy(pointer)
        events.forget()
    }

    // MARK: Sending and receiving

    /// Sends a message. Waits only while the socket is full, and at most 2 s.
    ///
    /// A message that was accepted may still be lost if the connection breaks: only an answer proves that it arrived.
    ///
    /// - Parameters:
    ///   - subject: The subject.
    ///   - payload: The payload.
    ///   - reply: The subject for answers.
    ///   - headers: The headers. libnats copies the payload of a message that has headers.
    /// - Throws: ``NATSError`` if the message was not sent, with the code `disconnected` while the connection is down.
    public func publish(
        _ subject: String, _ payload: Span<UInt8>, reply: String? = nil, headers: [(String, String)] = []
    ) throws(NATSError) {
        // libnats would keep a message while it reconnects, and send it later.
        guard isConnected else {
            throw NATSError(isClosed ? .closed : .disconnected, operation: "publish to", context: subject)
        }
        let subject = try Subject.checked(subject, for: "publish to")
        guard headers.isEmpty else {
            let message = try OutgoingMessage(subject, payload, reply: reply, headers: headers)
            try send(subject) { unsafe natsConnection_PublishMsg(pointer, message.pointer) }
            return
        }
        try send(subject) {
            unsafe payload.withUnsafeBufferPointer { bytes in
                if let reply {
                    unsafe natsConnection_PublishRequest(
                        pointer, subject, reply, bytes.baseAddress, CInt(bytes.count))
                } else {
                    unsafe natsConnection_Publish(pointer, subject, bytes.baseAddress, CInt(bytes.count))
                }
            }
        }
    }

    private func send(_ subject: String, _ call: () -> natsStatus) throws(NATSError) {
        let status = call()
        // The server has not read for 2 s, and libnats has given up the connection.
        if status == NATS_TIMEOUT { throw NATSError(.disconnected, operation: "publish to", context: subject) }
        try checked("publish to", subject) { status }
    }

    /// Subscribes to a subject.
    ///
    /// - Parameters:
    ///   - subject: The subject, which may have wildcards.
    ///   - queueGroup: The group of subscribers of which only one receives each message; nil for none.
    /// - Returns: The subscription, which ends when its last reference is released.
    /// - Throws: ``NATSError`` if the connection is closed.
    public func subscribe(_ subject: String, queueGroup: String? = nil) throws(NATSError) -> Subscription {
        try Subscription(subject, queueGroup: queueGroup, on: self)
    }

    /// Sends a request and waits for its answer. A thread with more to do uses an ``Inbox`` instead.
    ///
    /// - Parameters:
    ///   - subject: The subject.
    ///   - payload: The payload.
    ///   - headers: The headers.
    ///   - milliseconds: The maximum time to wait.
    /// - Returns: The answer.
    /// - Throws: ``NATSError``, with the code `noResponders` if nobody listens to the subject.
    public func request(
        _ subject: String, _ payload: Span<UInt8>, headers: [(String, String)] = [],
        timeoutMilliseconds milliseconds: Int
    ) throws(NATSError) -> Message {
        let subject = try Subject.checked(subject, for: "ask")
        guard isConnected else {
            throw NATSError(isClosed ? .closed : .disconnected, operation: "ask", context: subject)
        }
        let message = try OutgoingMessage(subject, payload, reply: nil, headers: headers)
        var answer: OpaquePointer?
        try checked("ask", subject) {
            unsafe natsConnection_RequestMsg(&answer, pointer, message.pointer, Int64(milliseconds))
        }
        guard let answer = unsafe answer else { throw NATSError(.timeout, operation: "ask", context: subject) }
        return unsafe Message(answer)
    }

    /// Waits until the server has processed everything that was sent before.
    ///
    /// - Parameter milliseconds: The maximum time to wait.
    /// - Throws: ``NATSError`` if the server does not answer in time.
    public func flush(timeoutMilliseconds milliseconds: Int) throws(NATSError) {
        try checked("flush the connection to", servers) {
            unsafe natsConnection_FlushTimeout(pointer, Int64(milliseconds))
        }
    }

    // MARK: State

    /// Whether the connection is up.
    public var isConnected: Bool { unsafe natsConnection_Status(pointer) == NATS_CONN_STATUS_CONNECTED }

    /// Whether the connection is closed for good. libnats gives up only if a server refuses the login twice.
    public var isClosed: Bool { unsafe natsConnection_IsClosed(pointer) }

    /// The number of times that the connection broke and was restored. Answers to requests before that do not come.
    public var reconnectCount: UInt64 {
        var statistics: OpaquePointer?
        guard unsafe natsStatistics_Create(&statistics) == NATS_OK else { return 0 }
        defer { unsafe natsStatistics_Destroy(statistics) }
        var count: UInt64 = 0
        guard unsafe natsConnection_GetStats(pointer, statistics) == NATS_OK else { return 0 }
        unsafe natsStatistics_GetCounts(statistics, nil, nil, nil, nil, &count)
        return count
    }

    /// The largest payload that the server accepts, in bytes.
    public var maximumPayload: Int { unsafe Int(natsConnection_GetMaxPayload(pointer)) }

    /// The URL of the server of the connection, without the login; nil while the connection is down.
    public var connectedURL: String? {
        var text = [CChar](repeating: 0, count: 512)
        let count = text.count
        guard unsafe natsConnection_GetConnectedUrl(pointer, &text, count) == NATS_OK else { return nil }
        let url = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return try? ServerURL(url).shown
    }

    /// The last error that the server or libnats reported apart from a call, such as a missing permission; nil if there
    /// was none.
    public var lastEvent: String? { events.lastError }

    /// Asks the server of the connection for its version and abilities, over a connection of its own. Waits for at most
    /// 2 s.
    ///
    /// - Throws: ``NATSError`` if the connection is down, or the server does not answer.
    public func serverInformation() throws(NATSError) -> ServerInformation {
        guard let url = connectedURL else {
            throw NATSError(isClosed ? .closed : .disconnected, operation: "ask", context: servers)
        }
        return try ServerInformation(of: ServerURL(url))
    }
}

extension NATSError {
    /// Creates an error whose problem follows from its code.
    init(_ code: Code, operation: String, context: String) {
        self.init(code, operation: operation, context: context, problem: code.problem ?? "the operation failed")
    }
}
#endif
