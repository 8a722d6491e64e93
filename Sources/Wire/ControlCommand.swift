/// What a controller can ask for: method and parameters of a request, as a value.
public enum ControlCommand: Equatable, Sendable {
    /// Which streams a command is for.
    public enum Selection: Equatable, Sendable {
        /// The one stream of that id.
        case stream(String)
        /// All streams whose ids begin so.
        case prefix(String)
        /// All streams.
        case all
    }

    /// The daemon as a whole.
    case status
    /// A page of streams, ordered by id: those after an id, at most `limit`.
    case streams(prefix: String?, after: String?, limit: Int)
    /// One stream.
    case stream(String)
    /// State to zero.
    case reset(Selection)
    /// Forget streams and their stored state.
    case remove(Selection)
    /// Keep a durable copy of state under a name.
    case snapshot(name: String, Selection)
    /// List the snapshots.
    case snapshots
    /// Put state back as a snapshot has it.
    case restore(name: String, Selection)
    /// Forget a snapshot.
    case deleteSnapshot(name: String)
    /// Let timesteps wait.
    case pause(Selection)
    /// Take the timesteps that waited, and all that come.
    case resume(Selection)
    /// Make everything durable now.
    case checkpoint
    /// Stop in order.
    case shutdown

    /// The longest page of ``streams(prefix:after:limit:)``.
    public static let maximumLimit = 10_000
    /// The page of ``streams(prefix:after:limit:)`` where none is asked for.
    public static let defaultLimit = 1_000
}

extension ControlCommand {
    /// The methods by their names on the wire.
    public enum Method: String, CaseIterable, Sendable {
        /// See ``ControlCommand``.
        case status, streams, stream, reset, remove, snapshot, snapshots, restore
        /// See ``ControlCommand/deleteSnapshot(name:)``.
        case deleteSnapshot = "delete_snapshot"
        /// See ``ControlCommand``.
        case pause, resume, checkpoint, shutdown

        /// The parameters that the method takes.
        var parameters: [String] {
            switch self {
            case .status, .snapshots, .checkpoint, .shutdown: []
            case .streams: ["prefix", "after", "limit"]
            case .stream: ["stream"]
            case .reset, .remove, .pause, .resume: ["stream", "prefix", "all"]
            case .snapshot, .restore: ["name", "stream", "prefix", "all"]
            case .deleteSnapshot: ["name"]
            }
        }
    }

    /// Reads a command.
    ///
    /// - Parameters:
    ///   - method: The request's `method`.
    ///   - params: The request's `params`, nil where it has none.
    /// - Throws: ``ControlError`` with the code `methodNotFound` or `invalidParams`, naming the parameter.
    public init(method: String, params: JSONValue?) throws(ControlError) {
        guard let known = Method(rawValue: method) else {
            let all = Method.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlError(.methodNotFound, "no method '\(method)'; there are \(all)")
        }
        let parameters = try Parameters(params, of: known)
        switch known {
        case .status: self = .status
        case .streams:
            self = .streams(
                prefix: try parameters.string("prefix"), after: try parameters.string("after"),
                limit: try parameters.limit())
        case .stream: self = .stream(try parameters.required("stream"))
        case .reset: self = .reset(try parameters.requiredSelection())
        case .remove: self = .remove(try parameters.requiredSelection())
        case .snapshot: self = .snapshot(name: try parameters.name(), try parameters.selection() ?? .all)
        case .snapshots: self = .snapshots
        case .restore: self = .restore(name: try parameters.name(), try parameters.selection() ?? .all)
        case .deleteSnapshot: self = .deleteSnapshot(name: try parameters.name())
        case .pause: self = .pause(try parameters.requiredSelection())
        case .resume: self = .resume(try parameters.requiredSelection())
        case .checkpoint: self = .checkpoint
        case .shutdown: self = .shutdown
        }
    }

    /// The method's name on the wire.
    public var method: Method {
        switch self {
        case .status: .status
        case .streams: .streams
        case .stream: .stream
        case .reset: .reset
        case .remove: .remove
        case .snapshot: .snapshot
        case .snapshots: .snapshots
        case .restore: .restore
        case .deleteSnapshot: .deleteSnapshot
        case .pause: .pause
        case .resume: .resume
        case .checkpoint: .checkpoint
        case .shutdown: .shutdown
        }
    }

    /// The request's `params`.
    public var params: JSONValue {
        var members: [String: JSONValue] = [:]
        switch self {
        case .status, .snapshots, .checkpoint, .shutdown: break
        case .streams(let prefix, let after, let limit):
            members["prefix"] = prefix.map(JSONValue.string)
            members["after"] = after.map(JSONValue.string)
            members["limit"] = .integer(Int64(limit))
        case .stream(let id): members["stream"] = .string(id)
        case .reset(let selection), .remove(let selection), .pause(let selection), .resume(let selection):
            members[selection.key] = selection.value
        case .snapshot(let name, let selection), .restore(let name, let selection):
            members["name"] = .string(name)
            members[selection.key] = selection.value
        case .deleteSnapshot(let name): members["name"] = .string(name)
        }
        return .object(members)
    }
}

extension ControlCommand.Selection {
    var key: String {
        switch self {
        case .stream: "stream"
        case .prefix: "prefix"
        case .all: "all"
        }
    }

    var value: JSONValue {
        switch self {
        case .stream(let id): .string(id)
        case .prefix(let prefix): .string(prefix)
        case .all: .bool(true)
        }
    }
}

/// The `params` of one request, read by name.
private struct Parameters {
    let members: [String: JSONValue]
    let method: ControlCommand.Method

    init(_ params: JSONValue?, of method: ControlCommand.Method) throws(ControlError) {
        self.method = method
        guard let members = params.map(\.members) ?? [:] else {
            throw ControlError(.invalidParams, "params must be an object, with the parameters by name")
        }
        self.members = members
        for name in members.keys.sorted() where !method.parameters.contains(name) {
            let known = method.parameters.isEmpty ? "none" : method.parameters.joined(separator: ", ")
            throw ControlError(.invalidParams, "\(method.rawValue) has no parameter '\(name)'; it takes \(known)")
        }
    }

    func string(_ name: String) throws(ControlError) -> String? {
        switch members[name] {
        case nil: return nil
        case .string(let value): return value
        default: throw ControlError(.invalidParams, "'\(name)' must be a string")
        }
    }

    func required(_ name: String) throws(ControlError) -> String {
        guard let value = try string(name) else {
            throw ControlError(.invalidParams, "\(method.rawValue) needs '\(name)'")
        }
        return value
    }

    /// A snapshot's name keeps to the rules of a stream id, so that it can be shown and typed.
    func name() throws(ControlError) -> String {
        let name = try required("name")
        guard StreamID.isValid(name) else {
            throw ControlError(.invalidParams, "'name' must be 1 to 255 bytes without control characters")
        }
        return name
    }

    func limit() throws(ControlError) -> Int {
        guard let value = members["limit"] else { return ControlCommand.defaultLimit }
        guard case .integer(let limit) = value, limit >= 1, limit <= ControlCommand.maximumLimit else {
            throw ControlError(
                .invalidParams, "'limit' must be a whole number from 1 to \(ControlCommand.maximumLimit)")
        }
        return Int(limit)
    }

    func selection() throws(ControlError) -> ControlCommand.Selection? {
        let given = ["stream", "prefix", "all"].filter { members[$0] != nil }
        guard given.count <= 1 else {
            let named = given.joined(separator: " and ")
            throw ControlError(.invalidParams, "give exactly one of 'stream', 'prefix' and 'all', not \(named)")
        }
        if let id = try string("stream") { return .stream(id) }
        if let prefix = try string("prefix") { return .prefix(prefix) }
        switch members["all"] {
        case nil: return nil
        case .bool(true): return .all
        default: throw ControlError(.invalidParams, "'all' must be true, or be left out")
        }
    }

    func requiredSelection() throws(ControlError) -> ControlCommand.Selection {
        guard let selection = try selection() else {
            throw ControlError(.invalidParams, "\(method.rawValue) needs exactly one of 'stream', 'prefix' and 'all'")
        }
        return selection
    }
}
