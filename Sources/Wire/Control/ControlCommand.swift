/// A control command: the method and parameters of a request, as a value.
///
/// A new method needs a case here, a name and a declaration in ``Method``, the parameters in ``params``, and a
/// ``ControlCall`` with the type of the answer. The compiler reports a missing declaration.
public enum ControlCommand: Equatable, Sendable {
    /// The streams that a command applies to.
    public enum Selection: Equatable, Sendable {
        /// The stream with this id.
        case stream(String)
        /// All streams whose ids have this prefix.
        case prefix(String)
        /// All streams.
        case all
    }

    /// Reports on the daemon as a whole.
    case status
    /// Lists one page of streams, ordered by id: at most `limit` streams whose ids follow `after`.
    case streams(prefix: String?, after: String?, limit: Int)
    /// Lists the streams with these ids, in the same order. Unknown ids are left out.
    case namedStreams([String])
    /// Reports on one stream.
    case stream(String)
    /// Reports the last decisions of some streams.
    case history(HistoryRequest)
    /// Sets the state of streams to zero.
    case reset(Selection)
    /// Removes streams and their stored state.
    case remove(Selection)
    /// Stores a durable copy of the streams' state under a name.
    case snapshot(name: String, Selection)
    /// Lists the snapshots.
    case snapshots
    /// Replaces the streams' state with the state in a snapshot.
    case restore(name: String, Selection)
    /// Deletes a snapshot.
    case deleteSnapshot(name: String)
    /// Lists one page of a snapshot's streams, ordered by id: at most `limit` streams whose ids follow `after`.
    case readSnapshot(name: String, after: String?, limit: Int)
    /// Adds streams to a snapshot, which is created if it does not exist.
    case writeSnapshot(name: String, [StreamExport])
    /// Exports one stream, for import into another daemon or under another id.
    case export(String)
    /// Creates a stream from an export, under the exported id or a new one.
    case `import`(StreamExport, as: String?)
    /// Reads a model's file again and continues with the weights in it.
    case reload(model: String, reset: Bool)
    /// Pauses streams. Their timesteps wait until the streams are resumed.
    case pause(Selection)
    /// Resumes paused streams, beginning with the timesteps that waited.
    case resume(Selection)
    /// Makes all state durable now.
    case checkpoint
    /// Sets the log level, or only reports it if the argument is nil.
    case logLevel(LogLevel?)
    /// Starts an orderly stop of the daemon.
    case shutdown
    /// Reports on the cluster of which the daemon is a node.
    case cluster
    /// Makes a node of the cluster hand over its partitions and stop.
    case drain(node: String)

    /// The maximum number of streams in a page of ``streams(prefix:after:limit:)``.
    public static let maximumLimit = 10_000
    /// The number of streams in a page of ``streams(prefix:after:limit:)`` if the request gives no limit.
    public static let defaultLimit = 1_000
    /// The maximum number of ids in ``namedStreams(_:)``.
    public static let maximumNamed = 1_000
}

extension ControlCommand {
    /// The methods. Their raw values are the names on the wire.
    public enum Method: String, CaseIterable, Sendable {
        /// The method of the ``ControlCommand`` with the same name.
        case status, streams, stream, history, reset, remove, snapshot, snapshots, restore
        /// The method of ``ControlCommand/deleteSnapshot(name:)``.
        case deleteSnapshot = "delete_snapshot"
        /// The method of ``ControlCommand/readSnapshot(name:after:limit:)``.
        case readSnapshot = "read_snapshot"
        /// The method of ``ControlCommand/writeSnapshot(name:_:)``.
        case writeSnapshot = "write_snapshot"
        /// The method of the ``ControlCommand`` with the same name.
        case export, `import`, reload, pause, resume, checkpoint, shutdown, cluster, drain
        /// The method of ``ControlCommand/logLevel(_:)``.
        case logLevel = "log_level"

        /// Whether the method reads or changes the current streams. If so, its requests wait while another request
        /// changes many streams.
        var concernsStreams: Bool { declaration.concernsStreams }

        /// Creates the method's command from the `params` of a request.
        ///
        /// - Throws: ``ControlError`` with the code `invalidParams`, naming the parameter.
        func command(_ params: JSONValue?) throws(ControlError) -> ControlCommand {
            let declaration = declaration
            return try declaration.read(try Parameters(params, of: self, taking: declaration.parameters))
        }
    }
}

/// The declaration of one method: its parameters and how to read them.
private struct Declaration {
    let parameters: [String]
    let concernsStreams: Bool
    let read: (Parameters) throws(ControlError) -> ControlCommand

    init(
        _ parameters: [String] = [], concernsStreams: Bool,
        _ read: @escaping (Parameters) throws(ControlError) -> ControlCommand
    ) {
        self.parameters = parameters
        self.concernsStreams = concernsStreams
        self.read = read
    }

    /// A method with no parameters.
    static func plain(_ command: ControlCommand, concernsStreams: Bool = false) -> Declaration {
        Declaration(concernsStreams: concernsStreams) { _ in command }
    }

    /// A method with a required selection of streams.
    static func selecting(
        _ command: @escaping (ControlCommand.Selection) -> ControlCommand
    ) -> Declaration {
        Declaration(ControlCommand.Selection.parameters, concernsStreams: true) { given throws(ControlError) in
            command(try given.requiredSelection())
        }
    }

    /// A method with a snapshot's name and an optional selection of streams. The default is all streams.
    static func selectingInSnapshot(
        _ command: @escaping (String, ControlCommand.Selection) -> ControlCommand
    ) -> Declaration {
        Declaration(["name"] + ControlCommand.Selection.parameters, concernsStreams: true) {
            given throws(ControlError) in command(try given.name(), try given.selection() ?? .all)
        }
    }
}

extension ControlCommand.Method {
    /// The method's entry in the protocol's table of methods.
    private var declaration: Declaration {
        switch self {
        case .status: .plain(.status)
        case .streams:
            Declaration(["prefix", "after", "limit", "ids"], concernsStreams: true) { given throws(ControlError) in
                if let ids = try given.ids() { return .namedStreams(ids) }
                return .streams(
                    prefix: try given.string("prefix"), after: try given.string("after"), limit: try given.limit())
            }
        case .stream:
            Declaration(["stream"], concernsStreams: true) { given throws(ControlError) in
                .stream(try given.required("stream"))
            }
        case .history:
            Declaration(HistoryRequest.parameters, concernsStreams: true) { given throws(ControlError) in
                .history(try HistoryRequest(given))
            }
        case .reset: .selecting { .reset($0) }
        case .remove: .selecting { .remove($0) }
        case .snapshot: .selectingInSnapshot { .snapshot(name: $0, $1) }
        case .snapshots: .plain(.snapshots)
        case .restore: .selectingInSnapshot { .restore(name: $0, $1) }
        case .deleteSnapshot:
            Declaration(["name"], concernsStreams: false) { given throws(ControlError) in
                .deleteSnapshot(name: try given.name())
            }
        case .readSnapshot:
            Declaration(["name", "after", "limit"], concernsStreams: false) { given throws(ControlError) in
                .readSnapshot(name: try given.name(), after: try given.string("after"), limit: try given.limit())
            }
        case .writeSnapshot:
            Declaration(["name", "streams"], concernsStreams: false) { given throws(ControlError) in
                .writeSnapshot(name: try given.name(), try given.streams())
            }
        case .export:
            Declaration(["stream"], concernsStreams: true) { given throws(ControlError) in
                .export(try given.required("stream"))
            }
        case .import:
            Declaration(StreamExport.members + ["as"], concernsStreams: true) { given throws(ControlError) in
                .import(try given.streamExport(), as: try given.newID())
            }
        case .reload:
            Declaration(["model", "reset"], concernsStreams: true) { given throws(ControlError) in
                .reload(model: try given.required("model"), reset: try given.bool("reset"))
            }
        case .pause: .selecting { .pause($0) }
        case .resume: .selecting { .resume($0) }
        case .checkpoint: .plain(.checkpoint)
        case .logLevel:
            Declaration(["level"], concernsStreams: false) { given throws(ControlError) in
                .logLevel(try given.logLevel())
            }
        case .shutdown: .plain(.shutdown)
        case .cluster: .plain(.cluster)
        case .drain:
            Declaration(["node"], concernsStreams: false) { given throws(ControlError) in
                .drain(node: try given.required("node"))
            }
        }
    }
}

extension ControlCommand {
    /// Reads a command.
    ///
    /// - Parameters:
    ///   - method: The request's `method`.
    ///   - params: The request's `params`; nil if the request has none.
    /// - Throws: ``ControlError`` with the code `methodNotFound` or `invalidParams`, naming the parameter.
    public init(method: String, params: JSONValue?) throws(ControlError) {
        guard let known = Method(rawValue: method) else {
            let all = Method.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlError(.methodNotFound, "no method '\(method.shortened)'; the methods are \(all)")
        }
        self = try known.command(params)
    }

    /// Whether the command reads or changes the current streams. If so, it waits while another request changes many
    /// streams.
    public var concernsStreams: Bool { method.concernsStreams }

    /// The command's method.
    public var method: Method {
        switch self {
        case .status: .status
        case .streams, .namedStreams: .streams
        case .stream: .stream
        case .history: .history
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
        case .cluster: .cluster
        case .drain: .drain
        }
    }

    /// The request's `params`.
    public var params: JSONValue {
        var members: [String: JSONValue] = [:]
        switch self {
        case .status, .snapshots, .checkpoint, .shutdown, .cluster: break
        case .streams(let prefix, let after, let limit):
            members["prefix"] = prefix.map(JSONValue.string)
            members["after"] = after.map(JSONValue.string)
            members["limit"] = .integer(Int64(limit))
        case .namedStreams(let ids): members["ids"] = .array(ids.map(JSONValue.string))
        case .stream(let id): members["stream"] = .string(id)
        case .history(let request): members = request.json
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
        case .drain(let node): members["node"] = .string(node)
        }
        return .object(members)
    }
}

extension ControlCommand.Selection {
    /// The names of the parameters that select streams. A request has at most one of these parameters.
    static let parameters = ["stream", "prefix", "all"]

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
