import Foundation
import Testing
import Wire

/// Tests the wire format of control requests and replies.
@Suite struct `A control message` {
    static let ids: [(String, JSONValue)] = [
        (#""a""#, .string("a")), (#""""#, .string("")), ("7", .integer(7)), ("-1", .integer(-1)), ("null", .null),
        ("1.5", .number(1.5)), ("18446744073709551615", .unsigned(.max)),
    ]

    @Test(arguments: ids)
    func `an id is a string, a number or null, and the reply repeats it`(text: String, id: JSONValue) throws {
        let request = try ControlRequest(json(#"{"jsonrpc": "2.0", "id": \#(text), "method": "status"}"#))
        #expect(request == ControlRequest(id: id, command: .status))
        let reply = try written(ControlReply(id: request.id, outcome: .success(["reset": 1])))
        #expect(try reply == json(#"{"jsonrpc": "2.0", "id": \#(text), "result": {"reset": 1}}"#))
    }

    @Test func `a request without an id is answered with null`() throws {
        let request = try json(#"{"jsonrpc": "2.0", "method": "status"}"#)
        #expect(try ControlRequest(request).id == .null)
        #expect(ControlRequest.id(in: request) == .null)
    }

    /// A request that must be refused, the error code, and the id in the reply.
    struct Bad: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let code: ControlError.Code
        let id: JSONValue

        init(_ text: String, _ code: ControlError.Code, id: JSONValue = .null) {
            testDescription = text
            self.code = code
            self.id = id
        }
    }

    static let bad = [
        Bad("7", .invalidRequest),
        Bad("null", .invalidRequest),
        Bad(#""status""#, .invalidRequest),
        Bad(#"[{"jsonrpc": "2.0", "id": 1, "method": "status"}]"#, .invalidRequest),
        Bad("{}", .invalidRequest),
        Bad(#"{"id": 1, "method": "status"}"#, .invalidRequest, id: .integer(1)),
        Bad(#"{"jsonrpc": "1.0", "id": 1, "method": "status"}"#, .invalidRequest, id: .integer(1)),
        Bad(#"{"jsonrpc": 2.0, "id": 1, "method": "status"}"#, .invalidRequest, id: .integer(1)),
        Bad(#"{"jsonrpc": "2.0", "id": 1}"#, .invalidRequest, id: .integer(1)),
        Bad(#"{"jsonrpc": "2.0", "id": "x", "method": 5}"#, .invalidRequest, id: .string("x")),
        Bad(#"{"jsonrpc": "2.0", "id": true, "method": "status"}"#, .invalidRequest),
        Bad(#"{"jsonrpc": "2.0", "id": [1], "method": "status"}"#, .invalidRequest),
        Bad(#"{"jsonrpc": "2.0", "id": {}, "method": "status"}"#, .invalidRequest),
        Bad(#"{"jsonrpc": "2.0", "id": 2, "method": "stat"}"#, .methodNotFound, id: .integer(2)),
        Bad(#"{"jsonrpc": "2.0", "id": 3, "method": "reset"}"#, .invalidParams, id: .integer(3)),
        Bad(#"{"jsonrpc": "2.0", "id": 4, "method": "reset", "params": null}"#, .invalidParams, id: .integer(4)),
    ]

    @Test(arguments: bad)
    func `a message that is not a request is refused, with its id if it has one`(_ bad: Bad) throws {
        let request = try json(bad.testDescription)
        let error = try #require(throws: ControlError.self) { try ControlRequest(request) }
        #expect(error.code == bad.code)
        #expect(ControlRequest.id(in: request) == bad.id)
    }

    static let commands: [ControlCommand] = [
        .status, .streams(prefix: "é", after: nil, limit: 5), .streams(prefix: nil, after: "b", limit: 10_000),
        .stream("a\"b"), .reset(.stream("s")), .remove(.prefix("")), .snapshot(name: "n", .all), .snapshots,
        .restore(name: "n", .prefix("p")), .deleteSnapshot(name: "n"), .pause(.all), .resume(.stream("流")),
        .checkpoint, .shutdown, .cluster, .drain(node: "n"), .readSnapshot(name: "n", after: "a", limit: 7),
        .export("s"),
        .reload(model: "m", reset: true), .reload(model: "m", reset: false),
        .import(`A control command`.exported, as: "t"), .writeSnapshot(name: "n", [`A control command`.exported]),
    ]

    @Test(arguments: commands)
    func `a written request is read as the same request`(command: ControlCommand) throws {
        let request = ControlRequest(id: .string("id-1"), command: command)
        #expect(try ControlRequest(written(request.json)) == request)
    }

    static let errors: [(ControlError.Code, Int64)] = [
        (.parse, -32700), (.invalidRequest, -32600), (.methodNotFound, -32601), (.invalidParams, -32602),
        (.internal, -32603), (.noSuchStream, 1001), (.noSuchSnapshot, 1002), (.fingerprintDiffers, 1003),
        (.storeFailed, 1004), (.refusedInMode, 1005), (.modelFailed, 1006),
        (.partitionSilent, 1007),
    ]

    @Test(arguments: errors)
    func `an error reply has a code and a message, and no result`(code: ControlError.Code, number: Int64) throws {
        let reply = ControlReply<SnapshotList>(id: .integer(9), outcome: .failure(ControlError(code, "do this")))
        let expected: JSONValue = .object([
            "jsonrpc": .string("2.0"), "id": .integer(9),
            "error": .object(["code": .integer(number), "message": .string("do this")]),
        ])
        #expect(try written(reply) == expected)
        let read = try reread(reply)
        #expect(read.id == .integer(9))
        #expect(throws: ControlError(code, "do this")) { try read.outcome.get() }
    }

    @Test func `an error reply to a request without an id has the id null`() throws {
        let reply = ControlReply<JSONValue>(id: .null, outcome: .failure(ControlError(.parse, "no JSON")))
        #expect(try written(reply).members?["id"] == .null)
        #expect(try reread(reply).id == .null)
    }

    @Test func `a written result is read as the same result`() throws {
        let result = CheckpointResult(streams: 3, durationMilliseconds: 1.25)
        let read = try reread(ControlReply(id: .string("a"), outcome: .success(result)))
        #expect(try read.outcome.get() == result)
    }

    static let texts = [
        "null", "true", "0", "-9223372036854775808", "9223372036854775807", "9223372036854775808",
        "18446744073709551615", "0.1", "1e300", #""a\u0000\n流""#, "[]", "{}",
        #"{"a": [1, {"b": null}, "c", false], "d": 2.5}"#,
    ]

    @Test(arguments: texts)
    func `any written JSON value is read as the same value, including 64-bit whole numbers`(text: String) throws {
        #expect(try reread(json(text)) == json(text))
    }

    @Test func `whole numbers keep all their bits`() throws {
        #expect(try json("9223372036854775807") == .integer(.max))
        #expect(try json("18446744073709551615") == .unsigned(.max))
        #expect(try json("[true, 1, 1.5]") == .array([.bool(true), .integer(1), .number(1.5)]))
    }
}
