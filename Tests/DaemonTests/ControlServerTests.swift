import Logging
import Testing
import Wire
import ZeroMQ

@testable import Daemon

/// Tests the queues between a controller and the daemon over real sockets. The test plays the role of the hot loop.
@Suite struct `The queues of a controller` {
    private let context: Context
    private let guardian: AccessGuard

    init() throws {
        context = try Context()
        guardian = try AccessGuard(
            DaemonConfiguration(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func controller(of server: borrowing ControlServer) throws -> Socket {
        let socket = try Socket(.dealer, in: context)
        try socket.set(.linger, to: 0)
        try socket.set(.sendHighWaterMark, to: 1)
        try socket.set(.receiveHighWaterMark, to: 1)
        try socket.set(.sendTimeout, to: 1_000)
        try socket.set(.receiveTimeout, to: 1_000)
        try socket.attach(to: Endpoint(.connect, server.endpoint.address), otherwise: .connect)
        return socket
    }

    private func address(of request: RawRequest) -> ControlServer.ReturnAddress {
        ControlServer.ReturnAddress(
            controller: request.controller, hasDelimiter: false, id: .null, byteCount: request.byteCount)
    }

    private func take(from server: inout ControlServer) throws -> RawRequest {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            if let request = try server.receive() { return request }
        }
        return try #require(nil, "no request came")
    }

    @Test func `a controller must wait once 32 of its requests are queued in the daemon's socket`() throws {
        try guardian.open(in: context)
        var server = try ControlServer(Endpoint("@tcp://127.0.0.1:*"), in: context, by: guardian)
        let controller = try controller(of: server)
        let request = [UInt8](repeating: 0x20, count: 1 << 20)
        var sent = 0
        // The server queues 32 requests. The kernel's buffers hold some more.
        while sent < 100, try controller.sendFrames([request], wait: true) { sent += 1 }
        #expect(sent >= 32 && sent < 100)
        for _ in 0..<sent {
            let taken = try take(from: &server)
            #expect(taken.body == [request])
        }
        try controller.sendFrames([[1]], wait: true)
        let last = try take(from: &server)
        #expect(last.body == [[1]])
    }

    @Test func `up to 100 unread replies are kept for a controller, and further ones are dropped`() throws {
        try guardian.open(in: context)
        var server = try ControlServer(Endpoint("@tcp://127.0.0.1:*"), in: context, by: guardian)
        let deaf = try controller(of: server)
        let other = try controller(of: server)
        let large = WrittenReply.large
        try deaf.sendFrames([[2]], wait: true)
        let first = address(of: try take(from: &server))
        try other.sendFrames([[2]], wait: true)
        let second = address(of: try take(from: &server))
        for _ in 0..<400 { try server.send(large, to: first) }
        try server.send(large, to: second)
        #expect(try other.receiveFrames(wait: true) == [large.json], "others get theirs")
        var received = 0
        while try deaf.receiveFrames(wait: true) != nil { received += 1 }
        // The server queues 100 replies. The kernel's buffers hold some more.
        #expect(received >= 100 && received < 300)
        try server.send(large, to: first)
        #expect(try deaf.receiveFrames(wait: true) == [large.json])
    }
}

extension WrittenReply {
    /// A reply of 300 kB.
    fileprivate static let large = WrittenReply(.success(String(repeating: "x", count: 300_000)), id: .null)
}
