#if Cluster
/// A refusal by JetStream. Distinguish refusals by ``code``, never by text.
public struct JetStreamError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of failure as a number of HTTP, such as 404 for a stream that does not exist; 0 if the answer is not
    /// one of JetStream.
    public let status: Int
    /// JetStream's own number for the reason, such as 10071; 0 if there is none
    /// (<https://github.com/nats-io/nats-server/blob/main/server/errors.json>).
    public let code: Int
    /// JetStream's text.
    public let problem: String

    /// Creates an error. Each parameter sets the property of the same name.
    public init(status: Int, code: Int, problem: String) {
        self.status = status
        self.code = code
        self.problem = problem
    }

    /// Whether a message did not follow the one that its headers expected, so that another writer was first. JetStream
    /// has a second number for a message that another writer's message overtakes while it is being stored.
    public var isWrongLastSequence: Bool { code == 10071 || code == 10164 }

    /// Whether the stream, the consumer or the message does not exist.
    public var isNotFound: Bool { status == 404 }

    /// Whether a stream or a consumer of this name exists with another configuration.
    public var isNameInUse: Bool { code == 10058 || code == 10148 || code == 10013 }

    /// Whether the stream is full and refuses new messages. The number also means other failures to store a message, and
    /// only the text tells them apart: `maximum bytes exceeded`, `maximum messages exceeded`.
    public var isFull: Bool { code == 10077 && problem.hasPrefix("maximum") }

    /// The error in one line.
    public var description: String {
        code == 0 ? "JetStream: \(problem)" : "JetStream: \(problem) (\(code))"
    }

    /// The error for an answer that JetStream does not give.
    static func badAnswer(_ expected: String) -> JetStreamError {
        JetStreamError(status: 0, code: 0, problem: "an answer is not \(expected)")
    }
}
#endif
