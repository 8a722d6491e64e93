import FoundationEssentials
public import Wire
public import ZeroMQ

/// Asks the daemon over its control socket, one request at a time. One owner, one thread.
///
/// A daemon that cannot be reached is told within two seconds; one that was reached may take as long as the timeout.
public final class ControlClient {
    /// The control endpoint of a daemon that has no option for it.
    public static let defaultEndpoint = "tcp://127.0.0.1:5552"
    /// How long an unreachable daemon is tried for: its sockets need milliseconds, a restart a second.
    static let reachMilliseconds = 1_500

    /// The daemon's control endpoint.
    public let endpoint: Endpoint
    /// The client's keys, where the daemon asks for them.
    public let credentials: CurveCredentials?
    private let context: Context
    private let socket: Socket
    private let monitor: SocketMonitor
    private var poller = Poller()
    private let timeoutSeconds: Double
    private var isReached = false
    private var lastID: Int64 = 0

    /// Opens the socket; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - endpoint: The daemon's control endpoint; connects unless the text begins with `@`.
    ///   - timeoutSeconds: How long one reply may take.
    ///   - credentials: The client's keys, where the daemon asks for them.
    ///   - context: The home of the socket.
    /// - Throws: ``ClientError`` where the endpoint is none or cannot be used.
    public init(
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

    /// Another client of the same daemon, or of the one that has taken its place.
    ///
    /// - Throws: ``ClientError`` where the endpoint cannot be used.
    func again() throws(ClientError) -> ControlClient {
        try ControlClient(
            endpoint: "\(endpoint)", timeoutSeconds: timeoutSeconds, credentials: credentials, in: context)
    }

    /// Asks, and reads the result as a type.
    ///
    /// - Parameters:
    ///   - command: What to ask for.
    ///   - type: What the result is.
    /// - Returns: The result.
    /// - Throws: ``ClientError``: unreachable, no answer in time, or what the daemon's ControlError says.
    public func call<R: Codable & Sendable>(_ command: ControlCommand, as type: R.Type) throws(ClientError) -> R {
        switch try ask(command, as: type) {
        case .success(let result): return result
        case .failure(let error): throw ClientError(error)
        }
    }

    /// Asks, and keeps the result as JSON on one line.
    ///
    /// - Parameter command: What to ask for.
    /// - Returns: The daemon's result, its members sorted by name.
    /// - Throws: ``ClientError`` as ``call(_:as:)``.
    public func callForJSON(_ command: ControlCommand) throws(ClientError) -> String {
        try JSONText.line(of: try call(command, as: JSONValue.self))
    }

    /// One stream as it stands.
    ///
    /// - Parameter id: The stream's id.
    /// - Returns: Its status; nil where the daemon knows no such stream.
    /// - Throws: ``ClientError`` as ``call(_:as:)``.
    public func stream(_ id: String) throws(ClientError) -> StreamStatus? {
        switch try ask(.stream(id), as: StreamStatus.self) {
        case .success(let stream): return stream
        case .failure(let error) where error.code == .noSuchStream: return nil
        case .failure(let error): throw ClientError(error)
        }
    }

    /// Several streams as they stand, in few requests.
    ///
    /// - Parameter ids: The streams' ids.
    /// - Returns: Those that the daemon knows, in that order.
    /// - Throws: ``ClientError`` as ``call(_:as:)``.
    public func streams(_ ids: [String]) throws(ClientError) -> [StreamStatus] {
        var found: [StreamStatus] = []
        var rest = ids[...]
        while !rest.isEmpty {
            let some = Array(rest.prefix(ControlCommand.maximumNamed))
            rest = rest.dropFirst(some.count)
            found += try call(.namedStreams(some), as: StreamPage<StreamStatus>.self).streams
        }
        return found
    }

    /// Streams page by page, ordered by id.
    ///
    /// - Parameters:
    ///   - prefix: Only those whose ids begin so; empty: all.
    ///   - limit: At most so many; nil: all.
    ///   - body: Given each page's streams.
    /// - Returns: Whether there are more than the limit let through.
    /// - Throws: ``ClientError`` as ``call(_:as:)``.
    @discardableResult
    public func forEachPage(
        prefix: String = "", limit: Int? = nil, _ body: ([StreamStatus]) -> Void
    ) throws(ClientError) -> Bool {
        var after: String?
        var left = limit ?? .max
        repeat {
            let size = min(left, ControlCommand.maximumLimit)
            let command = ControlCommand.streams(prefix: prefix.isEmpty ? nil : prefix, after: after, limit: size)
            let page = try call(command, as: StreamPage<StreamStatus>.self)
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
        _ = try hasDisconnected()
        try ClientError.wrapping { () throws(ZeroMQError) in _ = try socket.sendFrames([text], wait: true) }
        let deadline = ContinuousClock.now + .seconds(timeoutSeconds)
        while true {
            guard let frames = try receive(until: deadline) else {
                let seconds = Quantity.decimal(timeoutSeconds)
                throw ClientError(
                    .temporary,
                    "the daemon at \(endpoint.address) did not answer \(command.method.rawValue) within \(seconds) s; "
                        + "--timeout lets it take longer")
            }
            let frame = frames.last ?? []
            // A reply to a request that was given up before its answer came. Its result may be of another type.
            guard try decoded(frame, as: ReplyID.self).answers(request) else { continue }
            return try decoded(frame, as: ControlReply<R>.self).outcome
        }
    }

    /// Receives a reply.
    ///
    /// - Returns: Its frames; nil where none came in time.
    /// - Throws: ``ClientError`` with the status `unavailable` where the connection broke first: a request that was on its way is
    ///   answered by nobody.
    private func receive(until deadline: ContinuousClock.Instant) throws(ClientError) -> [[UInt8]]? {
        while true {
            // Asked before the socket is looked at: a reply that came before the end is found.
            let isOver = try hasDisconnected()
            let frames = try ClientError.wrapping { () throws(ZeroMQError) in try socket.receiveFrames(wait: false) }
            if let frames { return frames }
            // Another daemon may call a client that binds.
            guard !isOver || endpoint.attachment == .bind else {
                throw ClientError(
                    .unavailable,
                    "the daemon at \(endpoint.address) was gone before it answered; what was asked for may be done")
            }
            let left = (deadline - ContinuousClock.now) / .milliseconds(1)
            guard left > 0 else { return nil }
            try ClientError.wrapping { () throws(ZeroMQError) in try poller.wait(milliseconds: Int(left) + 1) }
        }
    }

    private func hasDisconnected() throws(ClientError) -> Bool {
        var isOver = false
        while let event = try ClientError.wrapping({ () throws(ZeroMQError) in try monitor.next() }) {
            if case .disconnected = event { isOver = true }
        }
        return isOver
    }

    /// Sees once that somebody is there, with a socket of its own that tells: one that is `immediate` would throw away an
    /// answer that has come when the daemon then closes the connection, as it does after `shutdown`.
    private func reach() throws(ClientError) {
        // A client that binds is reached, not reaching: its timeout must tell.
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

    /// The remedy for a daemon that was not reached.
    ///
    /// - Parameter refusal: Why the other side, which is there, did not let this client in.
    /// - Returns: One line.
    private func unreachable(_ refusal: SocketMonitor.Refusal?) -> String {
        switch refusal {
        case nil: "cannot reach the daemon at \(endpoint.address): is sluiced running? --control says where"
        case .denied: "the daemon at \(endpoint.address) does not know this key: is its .pub among the controllers?"
        case _ where credentials == nil:
            "the daemon at \(endpoint.address) lets nobody in without a key: give --server-key and --key"
        default:
            "the daemon at \(endpoint.address) did not let this client in: has it the key that --server-key says?"
        }
    }

    private func decoded<Part: Decodable>(_ frame: [UInt8], as type: Part.Type) throws(ClientError) -> Part {
        do {
            return try JSONDecoder().decode(Part.self, from: Data(frame))
        } catch {
            throw ClientError(.protocol, "what answers at \(endpoint.address) does not speak Sluice's control protocol")
        }
    }
}

/// The id of a reply, whatever its result is.
private struct ReplyID: Decodable {
    let id: JSONValue?

    /// Whether the reply is to a request, or to one whose id the daemon could not read.
    func answers(_ request: ControlRequest) -> Bool {
        guard let id, id != .null else { return true }
        return id == request.id
    }
}

extension ClientError {
    /// A refusal by the daemon, with the status that fits.
    ///
    /// - Parameter error: The daemon's error.
    public init(_ error: ControlError) {
        let status: ExitStatus =
            switch error.code {
            case .parse, .invalidRequest, .methodNotFound: .protocol
            case .invalidParams: .usage
            case .internal: .software
            case .noSuchStream, .noSuchSnapshot: .noInput
            case .fingerprintDiffers, .refusedInMode: .refused
            case .storeFailed: .inputOutput
            case .modelFailed: .data
            }
        self.init(status, error.message)
    }

    /// A refusal by libzmq, such as an address that is in use or unknown.
    static func wrapping<R: ~Copyable>(_ body: () throws(ZeroMQError) -> R) throws(ClientError) -> R {
        do {
            return try body()
        } catch {
            throw ClientError(.unavailable, "\(error)")
        }
    }

    /// An endpoint from the command line.
    static func endpoint<R>(_ body: () throws(EndpointError) -> R) throws(ClientError) -> R {
        do {
            return try body()
        } catch {
            throw ClientError(.usage, "\(error)")
        }
    }
}
