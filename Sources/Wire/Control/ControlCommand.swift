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
    /// Several streams by their ids, in that order; those that are not known are left out.
    case namedStreams([String])
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
    /// A page of a snapshot's streams, ordered by id: those after an id, at most `limit`.
    case readSnapshot(name: String, after: String?, limit: Int)
    /// Add streams to a snapshot, which is made where it is not there.
    case writeSnapshot(name: String, [StreamExport])
    /// All that one stream knows, for another daemon or another id.
    case export(String)
    /// Put a stream that was exported in place, under its own id or another.
    case `import`(StreamExport, as: String?)
    /// Read a model's file again, and go on with what it has now.
    case reload(model: String, reset: Bool)
    /// Let timesteps wait.
    case pause(Selection)
    /// Take the timesteps that waited, and all that come.
    case resume(Selection)
    /// Make everything durable now.
    case checkpoint
    /// Log from a level on; nil: only say which it is.
    case logLevel(LogLevel?)
    /// Stop in order.
    case shutdown

    /// Whether it reads or changes streams as they stand, so that it waits while another changes many of them.
    public var isAboutStreams: Bool {
        switch self {
        case .status, .snapshots, .deleteSnapshot, .readSnapshot, .writeSnapshot, .checkpoint, .logLevel, .shutdown:
            false
        case .streams, .namedStreams, .stream, .reset, .remove, .snapshot, .restore, .export, .import, .reload, .pause,
            .resume:
            true
        }
    }

    /// The longest page of ``streams(prefix:after:limit:)``.
    public static let maximumLimit = 10_000
    /// The page of ``streams(prefix:after:limit:)`` where none is asked for.
    public static let defaultLimit = 1_000
    /// The most ids of ``namedStreams(_:)``.
    public static let maximumNamed = 1_000
}

extension ControlCommand {
    /// The methods by their names on the wire.
    public enum Method: String, CaseIterable, Sendable {
        /// See ``ControlCommand``.
        case status, streams, stream, reset, remove, snapshot, snapshots, restore
        /// See ``ControlCommand/deleteSnapshot(name:)``.
        case deleteSnapshot = "delete_snapshot"
        /// See ``ControlCommand/readSnapshot(name:after:limit:)``.
        case readSnapshot = "read_snapshot"
        /// See ``ControlCommand/writeSnapshot(name:_:)``.
        case writeSnapshot = "write_snapshot"
        /// See ``ControlCommand``.
        case export, `import`, reload, pause, resume, checkpoint, shutdown
        /// See ``ControlCommand/logLevel(_:)``.
        case logLevel = "log_level"

        /// The parameters that the method takes.
        var parameters: [String] {
            switch self {
            case .status, .snapshots, .checkpoint, .shutdown: []
            case .streams: ["prefix", "after", "limit", "ids"]
            case .stream: ["stream"]
            case .reset, .remove, .pause, .resume: ["stream", "prefix", "all"]
            case .snapshot, .restore: ["name", "stream", "prefix", "all"]
            case .deleteSnapshot: ["name"]
            case .readSnapshot: ["name", "after", "limit"]
            case .writeSnapshot: ["name", "streams"]
            case .export: ["stream"]
            case .import: StreamExport.members + ["as"]
            case .reload: ["model", "reset"]
            case .logLevel: ["level"]
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
            throw ControlError(.methodNotFound, "no method '\(method.shortened)'; there are \(all)")
        }
        let parameters = try Parameters(params, of: known)
        switch known {
        case .status: self = .status
        case .streams:
            if let ids = try parameters.ids() {
                self = .namedStreams(ids)
            } else {
                self = .streams(
                    prefix: try parameters.string("prefix"), after: try parameters.string("after"),
                    limit: try parameters.limit())
            }
        case .stream: self = .stream(try parameters.required("stream"))
        case .reset: self = .reset(try parameters.requiredSelection())
        case .remove: self = .remove(try parameters.requiredSelection())
        case .snapshot: self = .snapshot(name: try parameters.name(), try parameters.selection() ?? .all)
        case .snapshots: self = .snapshots
        case .restore: self = .restore(name: try parameters.name(), try parameters.selection() ?? .all)
        case .deleteSnapshot: self = .deleteSnapshot(name: try parameters.name())
        case .readSnapshot:
            self = .readSnapshot(
                name: try parameters.name(), after: try parameters.string("after"), limit: try parameters.limit())
        case .writeSnapshot: self = .writeSnapshot(name: try parameters.name(), try parameters.streams())
        case .export: self = .export(try parameters.required("stream"))
        case .import: self = .import(try parameters.streamExport(), as: try parameters.newID())
        case .reload:
            self = .reload(model: try parameters.required("model"), reset: try parameters.bool("reset"))
        case .pause: self = .pause(try parameters.requiredSelection())
        case .resume: self = .resume(try parameters.requiredSelection())
        case .checkpoint: self = .checkpoint
        case .logLevel: self = .logLevel(try parameters.logLevel())
        case .shutdown: self = .shutdown
        }
    }

    /// The method's name on the wire.
    public var method: Method {
        switch self {
        case .status: .status
        case .streams, .namedStreams: .streams
        case .stream: .stream
        case .reset: .reset
        case .remove: .remove
        case .snapshot: .snapshot
        case .snapshots: .snapshots
        case .restore: .restore
        case .deleteSnapshot: .deleteSnapshot
        case .readSnapshot: .readSnapshot
        case .writeSnapshot: .writeSnapshot
        case .export: .export
        case .import: .import
        case .reload: .reload
        case .pause: .pause
        case .resume: .resume
        case .checkpoint: .checkpoint
        case .logLevel: .logLevel
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
        case .namedStreams(let ids): members["ids"] = .array(ids.map(JSONValue.string))
        case .stream(let id): members["stream"] = .string(id)
        case .reset(let selection), .remove(let selection), .pause(let selection), .resume(let selection):
            members[selection.key] = selection.value
        case .snapshot(let name, let selection), .restore(let name, let selection):
            members["name"] = .string(name)
            members[selection.key] = selection.value
        case .deleteSnapshot(let name): members["name"] = .string(name)
        case .readSnapshot(let name, let after, let limit):
            members["name"] = .string(name)
            members["after"] = after.map(JSONValue.string)
            members["limit"] = .integer(Int64(limit))
        case .writeSnapshot(let name, let streams):
            members["name"] = .string(name)
            members["streams"] = .array(streams.map { .object($0.json) })
        case .export(let id): members["stream"] = .string(id)
        case .import(let stream, let id):
            members = stream.json
            members["as"] = id.map(JSONValue.string)
        case .reload(let model, let reset):
            members["model"] = .string(model)
            if reset { members["reset"] = .bool(true) }
        case .logLevel(let level): members["level"] = level.map { .string($0.rawValue) }
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
