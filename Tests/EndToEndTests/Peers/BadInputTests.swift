import Client
import Foundation
import Testing
import Wire
import ZeroMQ

@Suite struct `Invalid input` {
    /// Malformed messages, each with the drop cause that the daemon must count.
    static let malformed: [(cause: DropCause, frames: [[UInt8]])] = {
        let id = Array("s".utf8)
        let one = Timesteps.bytes([0.5])
        func header(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
            var bytes = TimestepHeader(sequence: 0).bytes
            change(&bytes)
            return bytes
        }
        return [
            (.frames, [id]),
            (.frames, [[]]),
            (.frames, [id, one, TimestepHeader().bytes, []]),
            (.frames, [id, one, TimestepHeader().bytes, one, one]),
            (.id, [[], one]),
            (.id, [[UInt8](repeating: 0x61, count: 256), one]),
            (.id, [[0xFF, 0xFE], one]),
            (.id, [[0x61, 0xC3], one]),
            (.id, [Array("a\nb".utf8), one]),
            (.id, [[0x61, 0x00], one]),
            (.id, [[0x61, 0x7F], one]),
            (.id, [Array("a\u{85}".utf8), one]),
            (.id, [Array("!sluice/x".utf8), one]),
            (.length, [id, []]),
            (.length, [id, Array(one.dropLast())]),
            (.length, [id, one + [0]]),
            (.length, [Array("new".utf8), [1, 2, 3]]),
            (.nonFinite, [id, Timesteps.bytes([.nan])]),
            (.nonFinite, [id, Timesteps.bytes([0.1, .infinity])]),
            (.nonFinite, [id, Timesteps.bytes([0.1, 0.2, -.infinity])]),
            (.header, [id, one, []]),
            (.header, [id, one, header { $0.removeLast() }]),
            (.header, [id, one, header { $0.append(0) }]),
            (.header, [id, one, header { $0[12] = 1 }]),
            (.flags, [id, one, header { $0[8] = 4 }]),
            (.flags, [id, one, header { $0[11] = 0x80 }]),
            (.sequence, [id, one + one, TimestepHeader(sequence: .max).bytes]),
        ]
    }()

    @Test func `malformed messages of every kind are dropped, are counted by cause, and change no bits`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let inputs = values(60)
        let undisturbed = try peer.decide("undisturbed", inputs)

        var decisions = try peer.decide("s", Array(inputs[..<30]))
        let rounds = 5
        for _ in 0..<rounds {
            for message in Self.malformed { try peer.send(message.frames) }
        }
        decisions += try peer.decide("s", Array(inputs[30...]))

        let status = try peer.status()
        for cause in DropCause.allCases {
            let sent = rounds * Self.malformed.count { $0.cause == cause }
            #expect(status.dropped[cause.rawValue] == UInt64(sent), "\(cause)")
        }
        #expect(rounds * Self.malformed.count >= 100)
        #expect(decisions.bits == undisturbed.bits)
        #expect(status.streams == 2)
        #expect(status.duplicates == 0)
        let logged = daemon.log.split(separator: "\n").count { $0.contains("dropped a message") }
        #expect(logged >= 1 && logged <= 20, "logged at a bounded rate")
    }

    /// Invalid requests, each with the error code of its answer.
    static let garbage: [(body: [UInt8], code: Int)] = [
        (Array("".utf8), -32700),
        (Array("{".utf8), -32700),
        (Array("hello".utf8), -32700),
        ([0xFF, 0xFE, 0x00], -32700),
        (Array(String(repeating: "[", count: 100_000).utf8), -32700),
        (Array((String(repeating: "[", count: 511) + String(repeating: "]", count: 511)).utf8), -32700),
        (Array("[\(String(repeating: "1,", count: 1_000_000))1]".utf8), -32700),
        (Array("[]".utf8), -32600),
        (Array("17".utf8), -32600),
        (Array("null".utf8), -32600),
        (Array(#"{"id":1,"method":"status"}"#.utf8), -32600),
        (Array(#"{"jsonrpc":"1.0","id":1,"method":"status"}"#.utf8), -32600),
        (Array(#"{"jsonrpc":"2.0","id":1}"#.utf8), -32600),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":7}"#.utf8), -32600),
        (Array(#"{"jsonrpc":"2.0","id":{},"method":"status"}"#.utf8), -32600),
        (Array(#"[{"jsonrpc":"2.0","id":1,"method":"status"}]"#.utf8), -32600),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":"explode"}"#.utf8), -32601),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":"status","params":[1]}"#.utf8), -32602),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":"status","params":{"x":1}}"#.utf8), -32602),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":"reset"}"#.utf8), -32602),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":"reset","params":{"all":false}}"#.utf8), -32602),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":"reset","params":{"all":true,"stream":"s"}}"#.utf8), -32602),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":"streams","params":{"limit":10001}}"#.utf8), -32602),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":"snapshot","params":{"name":""}}"#.utf8), -32602),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":"stream","params":{"stream":"unknown"}}"#.utf8), 1001),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":"restore","params":{"name":"unknown"}}"#.utf8), 1002),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":"delete_snapshot","params":{"name":"unknown"}}"#.utf8), 1002),
        (Array(#"{"jsonrpc":"2.0","id":1,"method":"checkpoint"}"#.utf8), 1005),
    ]

    @Test(arguments: [true, false])
    func `each malformed request is answered with its error code`(hasDelimiter: Bool) throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let inputs = values(20)
        let undisturbed = try peer.decide("undisturbed", inputs)
        var decisions = try peer.decide("s", Array(inputs[..<10]))

        let socket = try Socket(.dealer, in: peer.context)
        try socket.set(.receiveTimeout, to: 10_000)
        try socket.set(.linger, to: 0)
        try socket.attach(to: try Endpoint(connecting(daemon.control)), otherwise: .connect)
        for (body, code) in Self.garbage {
            try socket.sendFrames(hasDelimiter ? [[], body] : [body], wait: true)
            let reply = try #require(try socket.receiveFrames(wait: true), "no answer to \(body.prefix(60))")
            #expect(reply.count == (hasDelimiter ? 2 : 1))
            #expect(try errorCode(reply.last) == code, "\(String(decoding: body.prefix(80), as: UTF8.self))")
        }
        let several = Array(#"{"jsonrpc":"2.0","id":1,"method":"status"}"#.utf8)
        try socket.sendFrames([several, several, []], wait: true)
        #expect(try errorCode(try socket.receiveFrames(wait: true)?.last) == -32600)

        decisions += try peer.decide("s", Array(inputs[10...]))
        #expect(decisions.bits == undisturbed.bits)
    }

    private func errorCode(_ reply: [UInt8]?) throws -> Int? {
        let json = try JSONDecoder().decode(JSONValue.self, from: Data(try #require(reply)))
        guard case .object(let error) = json.members?["error"], case .integer(let code) = error["code"] else {
            return nil
        }
        return Int(code)
    }
}
