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

        let (id, command) = ControlRequest.read(Array(body))
        return (ReturnAddress(peer: peer, hasDelimiter: hasDelimiter, id: id), command)
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
