import Foundation
import Wire
import ZeroMQ

/// The socket that requests come in by. Owned by the hot loop.
struct ControlServer: ~Copyable {
    /// Whom a reply goes to, and in what form.
    struct ReturnAddress: Sendable {
        /// The peer, as ROUTER names it.
        let peer: [UInt8]
        /// Whether the request came behind REQ's empty frame: the reply mirrors it.
        let hasDelimiter: Bool
        /// The request's id; null where none could be read.
        let id: JSONValue
    }

    /// The most bytes in a request.
    private static let maximumLength = 1 << 20
    /// The most arrays and objects within one another in a request.
    private static let maximumDepth = 32

    let endpoint: Endpoint
    let socket: Socket

    init(_ endpoint: Endpoint, in context: Context, by access: AccessGuard) throws(ZeroMQError) {
        let socket = try Socket(.router, in: context)
        try socket.set(.linger, to: HotLoop.lingerMilliseconds)
        try access.prepare(socket, for: .control, at: endpoint)
        try bindingPrivately { () throws(ZeroMQError) in try socket.attach(to: endpoint, otherwise: .bind) }
        self.endpoint = try socket.resolved(endpoint)
        self.socket = socket
    }

    /// Takes the next request, if one is there.
    ///
    /// - Returns: Where the answer goes, and the command or what is wrong with the request; nil where none is there.
    func receive() throws(ZeroMQError) -> (ReturnAddress, Result<ControlCommand, ControlError>)? {
        guard let frames = try socket.receiveFrames(wait: false), let peer = frames.first else { return nil }
        var body = frames.dropFirst()
        let hasDelimiter = body.count > 1 && body.first?.isEmpty == true
        if hasDelimiter { body = body.dropFirst() }

        func refused(_ id: JSONValue, _ error: ControlError) -> (ReturnAddress, Result<ControlCommand, ControlError>) {
            (ReturnAddress(peer: peer, hasDelimiter: hasDelimiter, id: id), .failure(error))
        }
        guard body.count == 1, let text = body.first else {
            return refused(.null, ControlError(.invalidRequest, "a request is one frame of JSON"))
        }
        // Requests are decoded between two timesteps: what would take long is not decoded at all.
        guard text.count <= Self.maximumLength, !JSONValue.isNested(text, deeperThan: Self.maximumDepth) else {
            let problem =
                "a request has at most \(Self.maximumLength) bytes, and at most \(Self.maximumDepth) arrays and objects "
                + "within one another"
            return refused(.null, ControlError(.parse, problem))
        }
        guard let json = try? JSONDecoder().decode(JSONValue.self, from: Data(text)) else {
            return refused(.null, ControlError(.parse, "the request is not JSON"))
        }
        do throws(ControlError) {
            let request = try ControlRequest(json)
            return (
                ReturnAddress(peer: peer, hasDelimiter: hasDelimiter, id: request.id), .success(request.command)
            )
        } catch {
            return refused(ControlRequest.id(in: json), error)
        }
    }

    /// Answers a request. A peer that has gone, or that does not take its answers, goes without.
    func reply<Value: Codable & Sendable>(
        _ outcome: Result<Value, ControlError>, to address: ReturnAddress
    ) throws(ZeroMQError) {
        let body: Data
        if let data = try? JSONEncoder().encode(ControlReply(id: address.id, outcome: outcome)) {
            body = data
        } else {
            // Only a NaN or an infinity among the numbers cannot be written as JSON, and no result should hold one.
            let error = ControlError(.internal, "the result holds a number that JSON cannot express")
            let reply = ControlReply<Value>(id: address.id, outcome: .failure(error))
            body = (try? JSONEncoder().encode(reply)) ?? Data()
        }
        let delimiter: [[UInt8]] = address.hasDelimiter ? [[]] : []
        try socket.sendFrames([address.peer] + delimiter + [Array(body)], wait: false)
    }
}
