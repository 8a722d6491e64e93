/// A control request on the wire: JSON-RPC 2.0 (<https://www.jsonrpc.org/specification>).
public struct ControlRequest: Equatable, Sendable {
    /// The maximum length of a string id, in bytes. Without a maximum, replies could be large, because each one repeats
    /// the id.
    public static let maximumIDLength = 1024

    /// The client's id for the request, repeated in the reply: a string, a number or null. Sluice also answers a
    /// request without an id, because a REQ socket waits for an answer. The id of such a reply is null.
    public let id: JSONValue
    /// The command.
    public let command: ControlCommand

    /// Creates a request.
    ///
    /// - Parameters:
    ///   - id: The id to repeat in the reply.
    ///   - command: The command.
    public init(id: JSONValue, command: ControlCommand) {
        self.id = id
        self.command = command
    }

    /// Returns the id of a request, even if the request is otherwise invalid. With the id, a client can match a refusal
    /// to the request.
    public static func id(in json: JSONValue) -> JSONValue {
        switch json.members?["id"] {
        case .some(let id) where Self.isID(id): id
        default: .null
        }
    }

    /// Reads a request.
    ///
    /// - Throws: ``ControlError`` with the code `invalidRequest`, `methodNotFound` or `invalidParams`.
    public init(_ json: JSONValue) throws(ControlError) {
        guard let members = json.members else {
            throw ControlError(.invalidRequest, "a request must be one JSON object; send requests one by one")
        }
        guard members["jsonrpc"] == .string("2.0") else {
            throw ControlError(.invalidRequest, "a request must have \"jsonrpc\": \"2.0\"")
        }
        guard case .string(let method) = members["method"] else {
            throw ControlError(.invalidRequest, "a request must have a \"method\" that is a string")
        }
        let id = members["id"] ?? .null
        guard Self.isID(id) else {
            throw ControlError(
                .invalidRequest, "\"id\" must be a string of at most \(Self.maximumIDLength) bytes, a number or null")
        }
        self.id = id
        command = try ControlCommand(method: method, params: members["params"])
    }

    /// The request as JSON.
    public var json: JSONValue {
        .object([
            "jsonrpc": .string("2.0"), "id": id, "method": .string(command.method.rawValue), "params": command.params,
        ])
    }

    private static func isID(_ value: JSONValue) -> Bool {
        switch value {
        case .string(let text): text.utf8.count <= maximumIDLength
        case .integer, .unsigned, .number, .null: true
        case .bool, .array, .object: false
        }
    }
}

/// A control reply on the wire: the result or the error.
public struct ControlReply<Result: Codable & Sendable>: Codable, Sendable {
    /// The request's id; null if the daemon could not read it.
    public let id: JSONValue
    /// The result or the error.
    public let outcome: Swift.Result<Result, ControlError>

    /// Creates a reply.
    ///
    /// - Parameters:
    ///   - id: The request's id.
    ///   - outcome: The result or the error.
    public init(id: JSONValue, outcome: Swift.Result<Result, ControlError>) {
        self.id = id
        self.outcome = outcome
    }

    private enum CodingKeys: String, CodingKey { case jsonrpc, id, result, error }

    /// Reads a reply.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decodeIfPresent(JSONValue.self, forKey: .id) ?? .null
        if let error = try container.decodeIfPresent(ControlError.self, forKey: .error) {
            outcome = .failure(error)
        } else {
            outcome = .success(try container.decode(Result.self, forKey: .result))
        }
    }

    /// Writes the reply.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("2.0", forKey: .jsonrpc)
        try container.encode(id, forKey: .id)
        switch outcome {
        case .success(let result): try container.encode(result, forKey: .result)
        case .failure(let error): try container.encode(error, forKey: .error)
        }
    }
}
