#if Cluster
import CNATS

/// The place where one thread receives the answers to all its requests, and what its consumers deliver. An inbox needs
/// one subscription for all of them.
///
/// ```swift
/// let inbox = try Inbox(on: connection)
/// let token = try inbox.request("in.7", payload.span, headers: [])
/// while let message = try inbox.next(timeoutMilliseconds: 100) {
///     if message.token == token { … }
/// }
/// ```
public final class Inbox {
    private let connection: Connection
    private let subscription: Subscription
    /// The beginning of all subjects of the inbox, with the dot.
    private let prefix: String
    private var lastToken: UInt64 = 0
    /// The number of requests to subjects to which nobody listens. libnats does not say which requests.
    public private(set) var unheardCount = 0

    /// Opens an inbox.
    ///
    /// - Throws: ``NATSError`` if the connection is closed.
    public init(on connection: Connection) throws(NATSError) {
        let prefix = try Self.uniqueName() + "."
        subscription = try connection.subscribe(prefix + "*")
        self.prefix = prefix
        self.connection = connection
    }

    /// Sends a message whose answer comes to this inbox. Does not wait for the answer.
    ///
    /// - Parameters:
    ///   - subject: The subject.
    ///   - payload: The payload.
    ///   - headers: The headers.
    /// - Returns: The number that the answer will have as ``Message/token``.
    /// - Throws: ``NATSError`` if the message was not sent.
    public func request(
        _ subject: String, _ payload: Span<UInt8>, headers: [(String, String)] = []
    ) throws(NATSError) -> UInt64 {
        lastToken += 1
        try connection.publish(subject, payload, reply: "\(prefix)\(lastToken)", headers: headers)
        return lastToken
    }

    /// Returns a new subject of this inbox, for answers to a message that names the subject in its payload. Such answers
    /// have no ``Message/token``.
    public func newSubject() -> String {
        lastToken += 1
        return "\(prefix)r\(lastToken)"
    }

    /// Sends a request to JetStream. Does not wait for the answer.
    ///
    /// - Returns: The number that the answer will have as ``Message/token``.
    /// - Throws: ``NATSError`` if the request was not sent.
    public func send(_ request: APIRequest) throws(NATSError) -> UInt64 {
        try self.request(request.subject, request.body.span)
    }

    /// Takes the next answer or delivery.
    ///
    /// - Parameter milliseconds: The maximum time to wait; 0 to take only a message that has arrived.
    /// - Returns: The message; nil if none arrived in time, or if ``unheardCount`` rose.
    /// - Throws: ``NATSError`` if the connection is closed.
    public func next(timeoutMilliseconds milliseconds: Int) throws(NATSError) -> Message? {
        do throws(NATSError) {
            return try subscription.next(timeoutMilliseconds: milliseconds, inbox: prefix)
        } catch {
            guard error.code == .noResponders else { throw error }
            unheardCount += 1
            return nil
        }
    }

    /// The number of messages that wait to be taken.
    public var pendingCount: Int { subscription.pendingCount }

    /// Returns a subject that nobody else uses.
    private static func uniqueName() throws(NATSError) -> String {
        var text: UnsafeMutablePointer<CChar>?
        try checked("open an inbox") { unsafe natsInbox_Create(&text) }
        defer { unsafe natsInbox_Destroy(text) }
        return unsafe text.map { unsafe String(cString: $0) } ?? ""
    }
}
#endif
