import FoundationEssentials
package import Wire
package import ZeroMQ

/// Sends requests to the daemon's control socket, one at a time. A client has one owner and one thread.
///
/// An unreachable daemon is reported within two seconds. A reachable daemon may take as long as the timeout.
package final class ControlClient {
    /// The daemon's default control endpoint.
    package static let defaultEndpoint = "tcp://127.0.0.1:5552"
    /// The maximum time to reach the daemon. A connection takes milliseconds, and a restart of the daemon takes about a
    /// second.
    static let reachMilliseconds = 1_500

    /// The daemon's control endpoint.
    package let endpoint: Endpoint
    /// The client's keys, if the daemon requires keys.
    package let credentials: CurveCredentials?
    private let context: Context
    private let socket: Socket
    private let monitor: SocketMonitor
    private var poller = Poller()
    private let timeoutSeconds: Double
    private var isReached = false
    private var lastID: Int64 = 0

    /// Opens the socket without sending anything.
    ///
    /// - Parameters:
    ///   - endpoint: The daemon's control endpoint. The client connects to it unless the text begins with `@`.
    ///   - timeoutSeconds: The maximum time for one reply.
    ///   - credentials: The client's keys, if the daemon requires keys.
    ///   - context: The ZeroMQ context in which to create the socket.
    /// - Throws: ``ClientError`` if the endpoint is not valid or cannot be used.
    package init(
        endpoint: String, timeoutSeconds: Double, credentials: CurveCredentials? = nil, in context: Context
    ) throws(ClientError) {
        self.context = context
        self.credentials = credentials
        self.timeoutSeconds = timeoutSeconds
        let place = try ClientError.endpoint { () throws(EndpointError) in try Endpoint(endpoint) }
        let socket = try ClientError.wrapping { () throws(ZeroMQError) in try Socket(.dealer, in: context) }
        monitor = try ClientError.wrapping { () throws(ZeroMQError) in try SocketMonitor(socket) }
        try ClientError.wrapping { () throws(ZeroMQError) in
            try socket.set(.linger, to: 0)
            try Heartbeat.set(on: socket)
            try socket.authenticate(with: credentials, at: place)
            try socket.attach(to: place, otherwise: .connect)
        }
        self.endpoint = place
        _ = poller.add(socket)
        _ = poller.add(monitor)
        self.socket = socket
    }

    deinit { socket.stopMonitoring() }

    /// Returns a new client for the same daemon or its successor.
    ///
    /// - Throws: ``ClientError`` if the endpoint cannot be used.
    func again() throws(ClientError) -> ControlClient {
        try ControlClient(
            endpoint: "\(endpoint)", timeoutSeconds: timeoutSeconds, credentials: credentials, in: context)
    }

    /// Sends a command and returns its answer.
    ///
    /// - Parameter call: The command with the type of its answer.
    /// - Returns: The answer.
    /// - Throws: ``ClientError`` if the daemon is unreachable, does not answer in time, or refuses the command.
    package func call<R>(_ call: ControlCall<R>) throws(ClientError) -> R {
        try self.call(call.command, as: R.self)
    }

    /// Sends a command and decodes the answer as a given type, such as arbitrary JSON.
    ///
    /// - Parameters:
    ///   - command: The command.
    ///   - type: The type of the answer.
    /// - Returns: The answer.
    /// - Throws: ``ClientError``, as in ``call(_:)``.
    package func call<R: Codable & Sendable>(_ command: ControlCommand, as type: R.Type) throws(ClientError) -> R {
        switch try ask(command, as: type) {
        case .success(let result): return result
        case .failure(let refusal): throw error(refusal, of: command)
        }
    }

    /// Sends a command and returns the answer as JSON.
    ///
    /// - Parameter command: The command.
    /// - Returns: One line of JSON, with its members sorted by name.
    /// - Throws: ``ClientError``, as in ``call(_:)``.
    package func callForJSON(_ command: ControlCommand) throws(ClientError) -> String {
        try JSONText.line(of: try call(command, as: JSONValue.self))
    }

    /// Returns the status of one stream.
    ///
    /// - Parameter id: The stream's id.
    /// - Returns: The status; nil if the daemon has no such stream.
    /// - Throws: ``ClientError``, as in ``call(_:)``.
    package func stream(_ id: String) throws(ClientError) -> StreamStatus? {
        switch try ask(.stream(id), as: StreamStatus.self) {
        case .success(let stream): return stream
        case .failure(let error) where error.code == .noSuchStream: return nil
        case .failure(let error): throw ClientError(error)
        }
    }

    /// Returns the statuses of several streams in as few requests as possible.
    ///
    /// - Parameter ids: The streams' ids.
    /// - Returns: The statuses of the streams that exist, in the order of `ids`.
    /// - Throws: ``ClientError``, as in ``call(_:)``.
    package func streams(_ ids: [String]) throws(ClientError) -> [StreamStatus] {
        var found: [StreamStatus] = []
        var rest = ids[...]
        while !rest.isEmpty {
            let some = Array(rest.prefix(ControlCommand.maximumNamed))
            rest = rest.dropFirst(some.count)
            found += try call(.namedStreams(some)).streams
        }
        return found
    }

    /// Returns the last decisions of streams.
    ///
    /// - Parameters:
    ///   - request: The streams and the decisions to include.
    ///   - type: The type of the answer, such as ``HistoryAnswer`` or arbitrary JSON.
    /// - Returns: The daemon's answer; nil if the daemon's version keeps no history.
    /// - Throws: ``ClientError``, as in ``call(_:)``.
    package func history<R: Codable & Sendable>(
        _ request: HistoryRequest, as type: R.Type = HistoryAnswer.self
    ) throws(ClientError) -> R? {
        switch try ask(.history(request), as: type) {
        case .success(let answer): return answer
        case .failure(let error) where error.code == .methodNotFound: return nil
        case .failure(let error): throw ClientError(error)
        }
    }

    /// Returns the histories of the streams with the most recent decisions. Each history is as long as a sparkline of
    /// the live table.
    ///
    /// - Parameter prefix: The prefix of the ids; empty for all.
    /// - Returns: At most 1,000 streams.
    /// - Throws: ``ClientError``, as in ``call(_:)``.
    package func histories(prefix: String) throws(ClientError) -> [StreamHistory] {
        let count = HistoryRequest.recentCounts.upperBound
        let request = HistoryRequest(
            .recent(count, search: prefix.isEmpty ? nil : prefix, model: nil), points: Sparkline.capacity)
        return try history(request)?.streams.filter { $0.stream.utf8.starts(with: prefix.utf8) } ?? []
    }

    /// Visits streams page by page, ordered by id.
    ///
    /// - Parameters:
    ///   - prefix: The prefix of the ids; empty for all.
    ///   - limit: The maximum number of streams; nil for all.
    ///   - body: Called with the streams of each page.
    /// - Returns: Whether there are more streams than the limit.
    /// - Throws: ``ClientError``, as in ``call(_:)``.
    @discardableResult
    package func forEachPage(
        prefix: String = "", limit: Int? = nil, _ body: ([StreamStatus]) -> Void
    ) throws(ClientError) -> Bool {
        var after: String?
        var left = limit ?? .max
        repeat {
            let size = min(left, ControlCommand.maximumLimit)
            let page = try call(.streams(prefix: prefix.isEmpty ? nil : prefix, after: after, limit: size))
            body(page.streams)
            left -= page.streams.count
            after = page.next
        } while after != nil && left > 0
        return after != nil
    }

    private func ask<R: Codable & Sendable>(
        _ command: ControlCommand, as type: R.Type
    ) throws(ClientError) -> Result<R, ControlError> {
        lastID += 1
        let request = ControlRequest(id: .integer(lastID), command: command)
        let text = Array(try JSONText.line(of: request.json).utf8)
        try reach()
        _ = try readDisconnection()
        try ClientError.wrapping { () throws(ZeroMQError) in _ = try socket.sendFrames([text], wait: true) }
        let deadline = ContinuousClock.now + .seconds(timeoutSeconds)
        while true {
            guard let frames = try receive(until: deadline) else {
                let seconds = Quantity.decimal(timeoutSeconds)
                throw ClientError(
                    .temporary,
                    "the daemon at \(endpoint.address) did not answer \(command.method.rawValue) within \(seconds) s; "
                        + "give a longer --timeout")
            }
            let frame = frames.last ?? []
            // Skip a late reply to an earlier request that timed out. Its answer may have another type.
            guard try decoded(frame, as: ReplyID.self).answers(request) else { continue }
            return try decoded(frame, as: ControlReply<R>.self).outcome
        }
    }

    /// Receives a reply.
    ///
    /// - Returns: The frames of the reply; nil if no reply arrived in time.
    /// - Throws: ``ClientError`` with the status `unavailable` if the connection broke first. In that case, a request
    ///   in transit gets no reply.
    private func receive(until deadline: ContinuousClock.Instant) throws(ClientError) -> [[UInt8]]? {
        while true {
            // Read the monitor before the socket, so that a reply sent just before the disconnection is still found.
            let isOver = try readDisconnection()
            let frames = try ClientError.wrapping { () throws(ZeroMQError) in try socket.receiveFrames(wait: false) }
            if let frames { return frames }
            // A client that binds keeps waiting, because another daemon may connect to it.
            guard !isOver || endpoint.attachment == .bind else {
                throw ClientError(
                    .unavailable,
                    "the daemon at \(endpoint.address) disconnected before it answered; it may have carried out the request"
                )
            }
            let left = (deadline - ContinuousClock.now) / .milliseconds(1)
            guard left > 0 else { return nil }
            try ClientError.wrapping { () throws(ZeroMQError) in try poller.wait(milliseconds: Int(left) + 1) }
        }
    }

    /// Reads the monitor's events. Returns whether the connection has ended.
    private func readDisconnection() throws(ClientError) -> Bool {
        var isOver = false
        while let event = try ClientError.wrapping({ () throws(ZeroMQError) in try monitor.next() }) {
            if case .disconnected = event { isOver = true }
        }
        return isOver
    }

    /// Checks once that the daemon is reachable, through a separate socket with the option `immediate`. The main socket
    /// must not have this option, because it would then discard received answers when the connection ends. The answer
    /// to `shutdown` could be lost, because the daemon ends the connection right after it.
    private func reach() throws(ClientError) {
        // A client that binds waits for the daemon to connect. Only the timeout can report a failure.
        guard !isReached, endpoint.attachment != .bind else { return }
        var refusal: SocketMonitor.Refusal?
        isReached = try ClientError.wrapping { () throws(ZeroMQError) in
            let probe = try Socket(.dealer, in: context)
            try probe.set(.linger, to: 0)
            try probe.set(.immediate, to: 1)
            try probe.authenticate(with: credentials, at: endpoint)
            let monitor = try SocketMonitor(probe)
            defer { probe.stopMonitoring() }
            try probe.attach(to: endpoint, otherwise: .connect)
            if try probe.waitUntilWritable(milliseconds: Self.reachMilliseconds) { return true }
            while let event = try monitor.next() {
                if case .refused(let reason) = event { refusal = reason }
            }
            return false
        }
        guard isReached else { throw ClientError(.unavailable, unreachable(refusal)) }
    }

    /// Returns the error message for a daemon that was not reached.
    ///
    /// - Parameter refusal: The reason why the daemon refused this client, if it did.
    /// - Returns: One line.
    private func unreachable(_ refusal: SocketMonitor.Refusal?) -> String {
        let place = "the daemon at \(endpoint.address)"
        let wrongKey = "\(place) refused this client; check that --server-key is the daemon's key"
        switch refusal {
        case .denied: return "\(place) does not know this key; add its .pub file to the controllers"
        case .otherMechanism where credentials == nil: return "\(place) requires a key; give --server-key and --key"
        case .otherMechanism: return "\(place) uses no keys; leave --server-key and --key out"
        case .otherServerKey: return wrongKey
        case .incomplete, .malformed, nil:
            let diagnosis = ReachDiagnosis(
                endpoint: endpoint, wanted: .control, credentials: credentials, context: context)
            if let reason = diagnosis.reason() { return reason }
            return refusal != nil && credentials != nil
                ? wrongKey : "cannot reach \(place); start sluiced, or give its address with --control"
        }
    }

    private func decoded<Part: Decodable>(_ frame: [UInt8], as type: Part.Type) throws(ClientError) -> Part {
        do {
            return try JSONDecoder().decode(Part.self, from: Data(frame))
        } catch {
            throw ClientError(.protocol, "the peer at \(endpoint.address) does not speak Sluice's control protocol")
        }
    }
}

/// The id of a reply, which can be decoded whatever the result is.
private struct ReplyID: Decodable {
    let id: JSONValue?

    /// Returns whether the reply belongs to this request. A reply without an id counts too, because the daemon may have
    /// been unable to read the request's id.
    func answers(_ request: ControlRequest) -> Bool {
        guard let id, id != .null else { return true }
        return id == request.id
    }
}

extension ClientError {
    /// Creates an error with the status that corresponds to a daemon's error.
    ///
    /// - Parameter error: The daemon's error.
    package init(_ error: ControlError) {
        let status: ExitStatus =
            switch error.code {
            case .parse, .invalidRequest, .methodNotFound: .protocol
            case .invalidParams: .usage
            case .internal: .software
            case .noSuchStream, .noSuchSnapshot: .noInput
            case .fingerprintDiffers, .refusedInMode: .refused
            case .storeFailed: .inputOutput
            case .modelFailed: .data
            case .partitionSilent: .temporary
            }
        self.init(status, error.message)
    }

    /// Converts a libzmq error, such as an address in use.
    static func wrapping<R: ~Copyable>(_ body: () throws(ZeroMQError) -> R) throws(ClientError) -> R {
        do {
            return try body()
        } catch {
            throw ClientError(.unavailable, "\(error)")
        }
    }

    /// Converts an error in an endpoint given on the command line.
    static func endpoint<R>(_ body: () throws(EndpointError) -> R) throws(ClientError) -> R {
        do {
            return try body()
        } catch {
            throw ClientError(.usage, "\(error)")
        }
    }
}
