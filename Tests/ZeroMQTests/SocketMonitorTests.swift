import Foundation
import Testing
import ZeroMQ

/// Returns a monitor's events up to the first matching one.
private func events(
    of monitor: SocketMonitor, until isLast: (SocketMonitor.Event) -> Bool
) throws -> [SocketMonitor.Event] {
    var events: [SocketMonitor.Event] = []
    var poller = Poller()
    _ = poller.add(monitor)
    let deadline = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < deadline {
        try poller.wait(milliseconds: 100)
        while let event = try monitor.next() {
            events.append(event)
            if isLast(event) { return events }
        }
    }
    Issue.record("the last event did not arrive: \(events)")
    return events
}

private func isDisconnection(_ event: SocketMonitor.Event) -> Bool {
    if case .disconnected = event { true } else { false }
}

@Suite struct `A socket monitor` {
    @Test func `a monitor reports connections, disconnections and finally the end of its socket`() throws {
        let context = try Context()
        let monitor: SocketMonitor
        do {
            let server = try Socket(.pull, in: context)
            monitor = try SocketMonitor(server)
            try server.attach(to: try Endpoint("@tcp://127.0.0.1:*"), otherwise: .bind)
            let address = try server.lastAddress()
            do {
                let client = try Socket(.push, in: context)
                try client.attach(to: try Endpoint(address), otherwise: .connect)
                try client.sendFrames([[1]], wait: true)
                _ = try server.receiveFrames(wait: true)
            }
            let heard = try events(of: monitor, until: isDisconnection)
            guard heard.count == 3, case .accepted(let number, _) = heard[0] else {
                Issue.record("\(heard)")
                return
            }
            #expect(heard[1...] == [.admitted, .disconnected(number)])
        }
        #expect(try events(of: monitor) { $0 == .stopped } == [.stopped])
    }

    @Test func `a monitor reports why a handshake failed`() throws {
        let context = try Context()
        let server = try Socket(.pull, in: context)
        let monitor = try SocketMonitor(server)
        defer { server.stopMonitoring() }
        let keys = try CurveKeyPair()
        try server.serveCurve(with: keys)
        try server.attach(to: try Endpoint("@tcp://127.0.0.1:*"), otherwise: .bind)
        let endpoint = Endpoint(.connect, try server.lastAddress())

        let client = try Socket(.push, in: context)
        try client.set(.linger, to: 0)
        try client.authenticate(
            with: CurveCredentials(keys: keys, server: try CurveKeyPair().publicKey), at: endpoint)
        try client.attach(to: endpoint, otherwise: .connect)
        let heard = try events(of: monitor) { if case .refused = $0 { true } else { false } }
        #expect(heard.last == .refused(.otherServerKey))
    }
}

@Suite struct `A silent peer` {
    /// The greeting of ZMTP 3.0 (<https://rfc.zeromq.org/spec/23/>), after which the peer sends nothing.
    private static let greeting: [UInt8] =
        [0xFF] + [UInt8](repeating: 0, count: 8) + [0x7F, 3, 0] + Array("NULL".utf8)
        + [UInt8](repeating: 0, count: 48)
    private static let ready: [UInt8] = {
        let name = Array("Socket-Type".utf8)
        let body = [5] + Array("READY".utf8) + [UInt8(name.count)] + name + [0, 0, 0, 6] + Array("DEALER".utf8)
        return [4, UInt8(body.count)] + body
    }()

    @Test(arguments: [true, false])
    func `heartbeats disconnect a silent peer, and the handshake timeout disconnects one that never greets`(
        greets: Bool
    ) throws {
        let context = try Context()
        let server = try Socket(.router, in: context)
        try server.set(.heartbeatInterval, to: 50)
        try server.set(.heartbeatTimeout, to: 100)
        try server.set(.handshakeInterval, to: greets ? 10_000 : 100)
        let monitor = try SocketMonitor(server)
        defer { server.stopMonitoring() }
        try server.attach(to: try Endpoint("@tcp://127.0.0.1:*"), otherwise: .bind)
        let port = try #require(try server.lastAddress().split(separator: ":").last)

        // A shell opens the connection, sends these bytes, and then stays silent.
        let bytes = (greets ? Self.greeting + Self.ready : []).map {
            "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16)
        }
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", "exec 3<>/dev/tcp/127.0.0.1/\(port); printf '\(bytes.joined())' >&3; exec sleep 60"]
        try process.run()
        defer { process.terminate() }

        let heard = try events(of: monitor, until: isDisconnection)
        #expect(heard.count == 3)
        #expect(heard.dropFirst().first == (greets ? .admitted : .refused(.incomplete)))
        #expect(process.isRunning)
    }
}
