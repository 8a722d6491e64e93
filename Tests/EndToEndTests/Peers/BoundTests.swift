import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

@Suite struct `The bounds on one client` {
    /// Waits until a monitor reports a matching event. Returns whether such an event arrived in time.
    private func wait(for monitor: SocketMonitor, _ fits: (SocketMonitor.Event) -> Bool) throws -> Bool {
        let isHeard = try eventually { () -> Bool? in
            while let event = try monitor.next() {
                if fits(event) { return true }
            }
            return nil
        }
        return isHeard == true
    }

    @Test(arguments: ["ingest", "control"])
    func `a client that sends too large a frame is disconnected, and others continue`(endpoint: String) throws {
        let daemon = try DaemonProcess(
            [model2, "--max-message-size", "1048576"], ingest: ["pull:@tcp://127.0.0.1:*"])
        let peer = try Peer(daemon)
        let inputs = values(40)
        let undisturbed = try peer.decide("undisturbed", inputs)
        var decisions = try peer.decide("s", Array(inputs[..<20]))

        let socket = try Socket(endpoint == "control" ? .dealer : .push, in: try Context())
        try socket.set(.linger, to: 0)
        let monitor = try SocketMonitor(socket)
        defer { socket.stopMonitoring() }
        let address = connecting(endpoint == "control" ? daemon.control : daemon.ingest.replacing("pull:", with: ""))
        try socket.attach(to: try Endpoint(address), otherwise: .connect)
        let allowed = [UInt8](repeating: 0, count: 1 << 20)
        try socket.sendFrames([Array("large".utf8), allowed], wait: true)
        if endpoint == "ingest" {
            try peer.waitForSequence(1 << 18, of: "large")
            // libzmq accepts a message that is only slightly too large. The hot loop drops and counts it.
            try socket.sendFrames([Array("larger".utf8), allowed + [0, 0, 0, 0]], wait: true)
            let counted = try eventually { try peer.status().dropped["too_large"] == 1 ? true : nil }
            #expect(counted == true)
            let isLogged = eventually { daemon.log.contains("too_large") ? true : nil }
            #expect(isLogged == true)
        }
        #expect(try wait(for: monitor) { $0 == .admitted })
        try socket.sendFrames([Array("larger".utf8), allowed + allowed + [0, 0, 0, 0]], wait: true)
        #expect(
            try wait(for: monitor) { if case .disconnected = $0 { true } else { false } }, "it is still connected")

        decisions += try peer.decide("s", Array(inputs[20...]))
        #expect(decisions.bits == undisturbed.bits)
        #expect(try peer.control.stream("larger") == nil)
    }

    @Test func `a producer that sends without a pause does not block requests`() throws {
        let daemon = try DaemonProcess([model2], ingest: ["pull:@tcp://127.0.0.1:*"])
        let peer = try Peer(daemon)
        let load = try LoadProducer(daemon, stream: "load")
        load.start()
        defer { load.stop() }
        let isTooMuch = eventually { load.sentBeforeWaiting == nil ? nil : true }
        try #require(isTooMuch == true)
        let before = try peer.control.stream("load")?.sequence ?? 0
        // Requests and timesteps both make progress: requests are answered, and timesteps are consumed in between.
        let goesOn = try eventually {
            _ = try peer.status()
            return try peer.control.stream("load")?.sequence ?? 0 > before ? true : nil
        }
        #expect(goesOn == true)
    }

    @Test func `a controller whose connection breaks while its requests wait does no harm`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let undisturbed = try peer.decide("undisturbed", values(20))
        let port = try #require(daemon.control.split(separator: ":").last)
        do {
            let loop = try StoppedThread("sluice-hot", of: daemon.processIdentifier)
            defer { withExtendedLifetime(loop) {} }
            // The client sends more requests than the daemon queues. It never reads the daemon's greeting, so the
            // connection is reset when the client ends.
            let greeting = Self.escaped([0xFF] + zeros(8) + [0x7F, 3, 0] + Array("NULL".utf8) + zeros(48))
            let command = Array("\u{5}READY\u{B}Socket-Type\0\0\0\u{6}DEALER".utf8)
            let ready = Self.escaped([4, UInt8(command.count)] + command)
            let request = Array(#"{"jsonrpc":"2.0","id":1,"method":"status"}"#.utf8)
            let frame = Self.escaped([0, UInt8(request.count)] + request)
            let script = """
                exec 3<>/dev/tcp/127.0.0.1/\(port); printf '\(greeting)\(ready)' >&3; sleep 1
                for i in {1..2000}; do printf '\(frame)'; done >&3; exec sleep 60
                """
            let process = Process()
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = ["-c", script]
            try process.run()
            Thread.sleep(forTimeInterval: 4)
            _ = kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            // If libzmq sent heartbeats, the first one would be due within this time.
            Thread.sleep(forTimeInterval: 8)
        }
        #expect(try peer.decide("s", values(20)).bits == undisturbed.bits)
        #expect(daemon.stop() == 0)
    }

    private func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    /// Returns the bytes as escape sequences for `printf`.
    private static func escaped(_ bytes: [UInt8]) -> String {
        bytes.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func `the kernel asks whether silent connections are still there`() throws {
        let daemon = try DaemonProcess([model2], ingest: ["pull:@tcp://127.0.0.1:*"])
        let peer = try Peer(daemon)
        defer { withExtendedLifetime(peer) {} }
        _ = try peer.decide("s", values(1))
        for endpoint in [daemon.ingest, daemon.decisions, daemon.control] {
            let port = String(try #require(endpoint.split(separator: ":").last.flatMap { Int($0) }), radix: 16)
            // Column 1 is the local address, column 3 the state (01: established) and column 5 the timer (02:
            // keepalive). See <https://docs.kernel.org/networking/proc_net_tcp.html>.
            let hasTimer = try eventually { () -> Bool? in
                // The kernel returns the table in many pieces. `cat` reads all of them, but Foundation stops after the
                // first.
                let table = try FinishedProgram("/bin/cat", ["/proc/\(daemon.processIdentifier)/net/tcp"]).output
                let lines = table.split(separator: "\n").map { $0.split(separator: " ") }
                    .filter { $0.count > 5 && $0[1].lowercased().hasSuffix(":\(port)") && $0[3] == "01" }
                return !lines.isEmpty && lines.allSatisfy { $0[5].hasPrefix("02:") } ? true : nil
            }
            #expect(hasTimer == true, "\(endpoint)")
        }
    }

    @Test func `above --max-connections, a client must wait until another one leaves`() throws {
        let daemon = try DaemonProcess([model2, "--max-connections", "3"])
        func caller() throws -> Socket {
            let socket = try Socket(.dealer, in: try Context())
            try socket.set(.linger, to: 0)
            try socket.set(.immediate, to: 1)
            try socket.attach(to: try Endpoint(connecting(daemon.control)), otherwise: .connect)
            return socket
        }
        let status = Array(#"{"jsonrpc":"2.0","id":1,"method":"status"}"#.utf8)
        func refused(_ socket: borrowing Socket) throws -> UInt64 {
            try socket.set(.receiveTimeout, to: 10_000)
            try socket.sendFrames([status], wait: true)
            let reply = try #require(try socket.receiveFrames(wait: true)?.last)
            let decoded = try JSONDecoder().decode(ControlReply<DaemonStatus>.self, from: Data(reply))
            return try decoded.outcome.get().refusedConnections["control"] ?? 0
        }
        let first = try caller()
        #expect(try first.waitUntilWritable(milliseconds: 10_000))
        let last: Socket
        do {
            let second = try caller()
            let third = try caller()
            #expect(try second.waitUntilWritable(milliseconds: 10_000))
            #expect(try third.waitUntilWritable(milliseconds: 10_000))
            last = try caller()
            let isCounted = try eventually { try refused(first) >= 1 ? true : nil }
            #expect(isCounted == true)
            #expect(try !last.waitUntilWritable(milliseconds: 0))
            #expect(daemon.log.contains("there are 3 connections already"))
            #expect(try refused(second) >= 1 && refused(third) >= 1)
        }
        // libzmq may hold a refused client until the handshake times out after 5 seconds. Only then does the client
        // connect again.
        #expect(try last.waitUntilWritable(milliseconds: 30_000), "two clients have left")
    }

    @Test func `only a subscriber with too many subscriptions is disconnected`() throws {
        let daemon = try DaemonProcess([model2, "--max-subscription-bytes", "65536"])
        let peer = try Peer(daemon)
        /// Subscribes to topics of 200 bytes. A socket sends up to 1,000 subscriptions without waiting.
        func subscribe(_ socket: borrowing Socket, to count: Int) throws {
            let padding = String(repeating: "x", count: 196)
            for number in 0..<count { try socket.subscribe("\(1_000 + number)" + padding) }
            try socket.attach(to: try Endpoint(connecting(daemon.decisions)), otherwise: .connect)
        }
        let modest = try Socket(.sub, in: try Context())
        let modestMonitor = try SocketMonitor(modest)
        defer { modest.stopMonitoring() }
        try subscribe(modest, to: 200)
        #expect(try wait(for: modestMonitor) { $0 == .admitted })
        let greedy = try Socket(.sub, in: try Context())
        let greedyMonitor = try SocketMonitor(greedy)
        defer { greedy.stopMonitoring() }
        try subscribe(greedy, to: 900)
        #expect(
            try wait(for: greedyMonitor) { if case .disconnected = $0 { true } else { false } }, "it is still connected"
        )
        let counted = try eventually { try peer.status().refusedConnections["decisions"] ?? 0 >= 1 ? true : nil }
        #expect(counted == true, "\(daemon.log)")
        let line = "refused a connection to decisions from 127.0.0.1: its subscriptions take more than 65536 bytes"
        let isLogged = eventually { daemon.log.contains(line) ? true : nil }
        #expect(isLogged == true, "\(daemon.log)")
        while let event = try modestMonitor.next() {
            if case .disconnected = event { Issue.record("the modest subscriber was cut off") }
        }
        #expect(try peer.decide("s", values(5)).count == 5)
    }

    @Test(arguments: [4_000, 4_200])
    func `a subscription up to the maximum length is accepted, and a longer one ends the connection`(length: Int) throws
    {
        let daemon = try DaemonProcess([model2])
        let subscriber = try Socket(.sub, in: try Context())
        let monitor = try SocketMonitor(subscriber)
        defer { subscriber.stopMonitoring() }
        try subscriber.subscribe(String(repeating: "x", count: length))
        try subscriber.attach(to: try Endpoint(connecting(daemon.decisions)), otherwise: .connect)
        #expect(try wait(for: monitor) { $0 == .admitted })
        if length > 4_096 {
            #expect(try wait(for: monitor) { if case .disconnected = $0 { true } else { false } })
        } else {
            try subscriber.subscribe("s")
            try subscriber.set(.receiveTimeout, to: 10)
            let peer = try Peer(daemon)
            let isHeard = try eventually { () -> Bool? in
                _ = try peer.decide("s", [1])
                return try subscriber.receiveFrames(wait: true).map { _ in true }
            }
            #expect(isHeard == true)
        }
    }

    @Test func `the daemon raises its limit on open files to the system's limit`() throws {
        let daemon = try DaemonProcess([model2])
        let limits = try String(contentsOfFile: "/proc/\(daemon.processIdentifier)/limits", encoding: .utf8)
        let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
        let numbers = line.split(separator: " ").compactMap { Int($0) }
        #expect(numbers.count == 2 && numbers[0] == numbers[1], "\(line)")
    }
}
