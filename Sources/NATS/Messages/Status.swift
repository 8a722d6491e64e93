#if Cluster
/// The status that a server sends in place of a message.
public struct Status: Equatable, Sendable {
    /// The number, as in HTTP.
    public let code: Int
    /// The server's text; empty if there is none.
    public let text: String

    /// Creates a status. Each parameter sets the property of the same name.
    public init(code: Int, text: String) {
        self.code = code
        self.text = text
    }

    /// Whether the server only says that it is there: an idle heartbeat.
    public var isHeartbeat: Bool { code == 100 }

    /// Whether a pull ended in the usual way: its time is over, or no messages were left.
    public var isEndOfPull: Bool { code == 404 || code == 408 }
}
#endif
