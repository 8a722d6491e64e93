import Foundation
import Testing
import Wire
import ZeroMQ

@Suite struct `A controller with many requests` {
    private func controller(of daemon: DaemonProcess, in context: Context) throws -> Socket {
        let socket = try Socket(.dealer, in: context)
        try socket.set(.receiveTimeout, to: Int(30_000 * patience))
        try socket.set(.linger, to: 0)
        try socket.attach(to: try Endpoint(connecting(daemon.control)), otherwise: .connect)
        return socket
    }

    /// Returns a request, padded with spaces to at least `bytes` bytes.
    private func request(_ id: Int, _ command: ControlCommand, bytes: Int = 0) throws -> [UInt8] {
        let json = try JSONEncoder().encode(ControlRequest(id: .integer(Int64(id)), command: command).json)
        return Array(json) + [UInt8](repeating: 0x20, count: max(0, bytes - json.count))
    }

    private func reply(_ frames: [[UInt8]]?) throws -> [String: JSONValue] {
        let body = try #require(frames?.last, "no answer")
        return try #require(try JSONDecoder().decode(JSONValue.self, from: Data(body)).members)
    }

    @Test func `large and small requests of a controller are served and answered in order`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        _ = try peer.decide("s", values(10))
        _ = try peer.decide("t", values(3))
        let large = 300_000
        let sent: [(request: ControlCommand, bytes: Int, answer: [String: JSONValue])] = [
            (.stream("s"), large, ["step": .integer(10)]),
            (.streams(prefix: nil, after: nil, limit: 1), 0, ["next": .string("s")]),
            (.reset(.stream("s")), large, ["reset": .integer(1)]),
            (.stream("s"), 0, ["step": .integer(0), "sequence": .integer(10)]),
            (.pause(.all), large, ["paused": .integer(2)]),
            (.stream("t"), 0, ["paused": .bool(true)]),
            (.export("t"), 0, ["sequence": .integer(3)]),
            (.streams(prefix: "t", after: nil, limit: 10), large, ["next": .null]),
            (.resume(.prefix("t")), 0, ["resumed": .integer(1)]),
            (.stream("s"), large, ["paused": .bool(true)]),
            (.stream("t"), 0, ["paused": .bool(false)]),
        ]
        let socket = try controller(of: daemon, in: peer.context)
        let rounds = 5
        for round in 0..<rounds {
            // From the second round on, the first request reports a step of 0, because the previous round has reset the
            // stream.
            for (index, (command, bytes, _)) in sent.enumerated() {
                try socket.sendFrames([try request(round * sent.count + index, command, bytes: bytes)], wait: true)
            }
        }
        for round in 0..<rounds {
            for (index, (command, _, answer)) in sent.enumerated() {
                let reply = try reply(try socket.receiveFrames(wait: true))
                #expect(reply["id"] == .integer(Int64(round * sent.count + index)))
                guard round == 0 || index > 0 else { continue }
                let result = try #require(reply["result"]?.members, "\(command): \(reply)")
                for (name, value) in answer { #expect(result[name] == value, "\(command), \(name)") }
            }
        }
    }

    @Test func `each request that is expensive to read gets its answer`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let socket = try controller(of: daemon, in: peer.context)
        let start = #"{"jsonrpc":"2.0","id":1,"method":"status","#
        let expensive: [(text: String, code: Int64)] = [
            (start + #""params":["# + Array(repeating: "[]", count: 340_000).joined(separator: ",") + "]}", -32700),
            (start + (0..<80_000).map { "\"k\($0)\":1" }.joined(separator: ",") + "}", 0),
            (start + #""params":{"# + (0..<70_000).map { "\"k\($0)\":1" }.joined(separator: ",") + "}}", -32602),
            (start + #""params":["# + Array(repeating: "1", count: 500_000).joined(separator: ",") + "]}", -32700),
            (#"{"jsonrpc":"2.0","id":""# + String(repeating: "i", count: 1_000_000) + #"","method":"status"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":1,"method":""# + String(repeating: "m", count: 1_000_000) + #""}"#, -32601),
        ]
        for (text, code) in expensive {
            try socket.sendFrames([Array(text.utf8)], wait: true)
            let frames = try socket.receiveFrames(wait: true)
            let error = try reply(frames)["error"]?.members?["code"]
            #expect(error == (code == 0 ? nil : .integer(code)), "\(text.prefix(60))")
            // The error message does not repeat the request.
            if code != 0 { #expect(frames?.last?.count ?? 0 < 2_000, "\(text.prefix(60))") }
        }
        #expect(try peer.decide("s", values(3)).count == 3)
    }

    @Test func `a flood of requests blocks neither timesteps nor other controllers nor a stop`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let undisturbed = try peer.decide("undisturbed", values(40))
        // The flood alternates large requests, up to the maximum size, with small ones. It contains more requests than
        // the daemon queues.
        let flood = [
            try request(1, .stream("s"), bytes: 1 << 20), try request(2, .status),
            try request(3, .streams(prefix: nil, after: nil, limit: 10_000), bytes: 1 << 19), try request(4, .status),
        ]
        let threads = (0..<2).map { _ in LoadThread() }
        let endpoint = connecting(daemon.control)
        for thread in threads {
            thread.start {
                let socket = try Socket(.dealer, in: try Context())
                try socket.set(.linger, to: 0)
                try socket.set(.sendHighWaterMark, to: 4)
                try socket.set(.sendTimeout, to: 100)
                try socket.attach(to: try Endpoint(endpoint), otherwise: .connect)
                var number = 0
                while !thread.isOver {
                    if try socket.sendFrames([flood[number % flood.count]], wait: true) { number += 1 }
                    while try socket.receiveFrames(wait: false) != nil {}
                }
            }
        }
        defer { for thread in threads { thread.stop() } }
        var decisions: [Decision] = []
        for value in values(40) {
            decisions += try peer.decide("s", [value])
            #expect(try peer.control.stream("s")?.sequence == UInt64(decisions.count))
        }
        #expect(decisions.bits == undisturbed.bits)
        #expect(daemon.stop() == 0)
    }
}
