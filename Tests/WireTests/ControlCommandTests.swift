import Testing
import Wire

/// Tests the methods and parameters in the protocol's table.
@Suite struct `A control command` {
    /// A method with its parameters as JSON, and the expected command.
    struct Good: CustomTestStringConvertible, Sendable {
        let method: String
        let params: String?
        let command: ControlCommand
        var testDescription: String { "\(method) \(params ?? "-")" }

        init(_ method: String, _ params: String?, _ command: ControlCommand) {
            self.method = method
            self.params = params
            self.command = command
        }
    }

    static let exported = StreamExport(
        stream: "s1", model: "power", fingerprint: "ab", sequence: .max, step: 2, time: 3, label: 1, gapPending: true,
        state: "AACAPw==")

    static let members = """
        "stream": "s1", "model": "power", "fingerprint": "ab", "sequence": 18446744073709551615, "step": 2, "time": 3, \
        "label": 1, "gap_pending": true, "state": "AACAPw=="
        """

    static let good = [
        Good("status", nil, .status),
        Good("status", "{}", .status),
        Good("streams", nil, .streams(prefix: nil, after: nil, limit: 1000)),
        Good("streams", #"{"limit": 1}"#, .streams(prefix: nil, after: nil, limit: 1)),
        Good(
            "streams", #"{"prefix": "a", "after": "b", "limit": 10000}"#,
            .streams(prefix: "a", after: "b", limit: 10_000)),
        Good("stream", #"{"stream": "s1"}"#, .stream("s1")),
        Good("history", #"{"streams": ["b", "a"]}"#, .history(HistoryRequest(.named(["b", "a"])))),
        Good("history", #"{"streams": [], "points": 1}"#, .history(HistoryRequest(.named([]), points: 1))),
        Good("history", #"{"recent": 1000}"#, .history(HistoryRequest(.recent(1000, search: nil, model: nil)))),
        Good(
            "history", #"{"recent": 1, "search": "s", "model": "m", "since": 1.5}"#,
            .history(HistoryRequest(.recent(1, search: "s", model: "m"), since: 1.5))),
        Good("reset", #"{"stream": "s1"}"#, .reset(.stream("s1"))),
        Good("reset", #"{"prefix": ""}"#, .reset(.prefix(""))),
        Good("reset", #"{"all": true}"#, .reset(.all)),
        Good("remove", #"{"stream": "s1"}"#, .remove(.stream("s1"))),
        Good("remove", #"{"prefix": "s"}"#, .remove(.prefix("s"))),
        Good("remove", #"{"all": true}"#, .remove(.all)),
        Good("snapshot", #"{"name": "n"}"#, .snapshot(name: "n", .all)),
        Good("snapshot", #"{"name": "n", "all": true}"#, .snapshot(name: "n", .all)),
        Good("snapshot", #"{"name": "n", "stream": "s1"}"#, .snapshot(name: "n", .stream("s1"))),
        Good("snapshots", nil, .snapshots),
        Good("restore", #"{"name": "n"}"#, .restore(name: "n", .all)),
        Good("restore", #"{"name": "n", "prefix": "s"}"#, .restore(name: "n", .prefix("s"))),
        Good("delete_snapshot", #"{"name": "n"}"#, .deleteSnapshot(name: "n")),
        Good("pause", #"{"all": true}"#, .pause(.all)),
        Good("resume", #"{"stream": "s1"}"#, .resume(.stream("s1"))),
        Good("read_snapshot", #"{"name": "n"}"#, .readSnapshot(name: "n", after: nil, limit: 1000)),
        Good(
            "read_snapshot", #"{"name": "n", "after": "a", "limit": 2}"#,
            .readSnapshot(name: "n", after: "a", limit: 2)),
        Good("write_snapshot", #"{"name": "n", "streams": []}"#, .writeSnapshot(name: "n", [])),
        Good("write_snapshot", "{\"name\": \"n\", \"streams\": [{\(members)}]}", .writeSnapshot(name: "n", [exported])),
        Good("export", #"{"stream": "s1"}"#, .export("s1")),
        Good("import", "{\(members)}", .import(exported, as: nil)),
        Good("import", "{\(members), \"as\": \"t\"}", .import(exported, as: "t")),
        Good("reload", #"{"model": "m"}"#, .reload(model: "m", reset: false)),
        Good("reload", #"{"model": "m", "reset": true}"#, .reload(model: "m", reset: true)),
        Good("checkpoint", "{}", .checkpoint),
        Good("streams", #"{"ids": ["b", "a"]}"#, .namedStreams(["b", "a"])),
        Good("log_level", nil, .logLevel(nil)),
        Good("log_level", #"{"level": "debug"}"#, .logLevel(.debug)),
        Good("shutdown", nil, .shutdown),
        Good("cluster", nil, .cluster),
        Good("drain", #"{"node": "node-2"}"#, .drain(node: "node-2")),
    ]

    @Test(arguments: good)
    func `a command that is written as JSON is read as the same command`(_ good: Good) throws {
        let command = try ControlCommand(method: good.method, params: try good.params.map(json))
        #expect(command == good.command)
        #expect(command.method.rawValue == good.method)
        #expect(try ControlCommand(method: command.method.rawValue, params: written(command.params)) == command)
    }

    @Test func `the table has every method`() {
        #expect(Set(Self.good.map(\.method)) == Set(ControlCommand.Method.allCases.map(\.rawValue)))
    }

    /// A method with invalid parameters, and words that the error must contain.
    struct Bad: CustomTestStringConvertible, Sendable {
        let method: String
        let params: String?
        let named: [String]
        var testDescription: String { "\(method) \(params?.prefix(60) ?? "-")" }

        init(_ method: String, _ params: String?, _ named: String...) {
            self.method = method
            self.params = params
            self.named = named
        }
    }

    static let bad =
        [
            Bad("status", #"{"verbose": true}"#, "'verbose'"),
            Bad("snapshots", #"{"name": "n"}"#, "'name'"),
            Bad("checkpoint", #"{"all": true}"#, "'all'"),
            Bad("shutdown", #"{"now": true}"#, "'now'"),
            Bad("drain", nil, "'node'"),
            Bad("drain", #"{"node": 2}"#, "'node'"),
            Bad("streams", #"{"limit": 0}"#, "'limit'"),
            Bad("streams", #"{"limit": -1}"#, "'limit'"),
            Bad("streams", #"{"limit": 10001}"#, "'limit'"),
            Bad("streams", #"{"limit": 18446744073709551615}"#, "'limit'"),
            Bad("streams", #"{"limit": 1.5}"#, "'limit'"),
            Bad("streams", #"{"limit": "5"}"#, "'limit'"),
            Bad("streams", #"{"limit": null}"#, "'limit'"),
            Bad("streams", #"{"prefix": 1}"#, "'prefix'"),
            Bad("streams", #"{"after": ["a"]}"#, "'after'"),
            Bad("streams", #"{"stream": "a"}"#, "'stream'"),
            Bad("streams", #"{"ids": "a"}"#, "'ids'"),
            Bad("streams", #"{"ids": ["a", 1]}"#, "'ids'"),
            Bad("streams", #"{"ids": ["a"], "limit": 5}"#, "'ids'", "'limit'"),
            Bad("streams", "{\"ids\": [" + String(repeating: "\"a\",", count: 1000) + "\"a\"]}", "'ids'", "1000"),
            Bad("stream", nil, "'stream'"),
            Bad("stream", "{}", "'stream'"),
            Bad("stream", #"{"stream": 7}"#, "'stream'"),
            Bad("stream", #"{"stream": null}"#, "'stream'"),
            Bad("stream", #"{"stream": "a", "all": true}"#, "'all'"),
            Bad("history", nil, "'streams'", "'recent'"),
            Bad("history", #"{"streams": ["a"], "recent": 1}"#, "'streams'", "'recent'"),
            Bad("history", #"{"streams": ["a"], "search": "a"}"#, "'search'"),
            Bad("history", #"{"streams": ["a"], "model": "m"}"#, "'model'"),
            Bad("history", #"{"streams": "a"}"#, "'streams'"),
            Bad("history", #"{"streams": [1]}"#, "'streams'"),
            Bad("history", "{\"streams\": [" + String(repeating: "\"a\",", count: 100) + "\"a\"]}", "'streams'", "100"),
            Bad("history", #"{"recent": 0}"#, "'recent'", "1000"),
            Bad("history", #"{"recent": 1001}"#, "'recent'", "1000"),
            Bad("history", #"{"recent": 1, "search": 1}"#, "'search'"),
            Bad("history", #"{"recent": 1, "points": 0}"#, "'points'"),
            Bad("history", #"{"recent": 1, "since": "now"}"#, "'since'"),
            Bad("history", #"{"recent": 1, "stream": "a"}"#, "'stream'"),
            Bad("snapshot", nil, "'name'"),
            Bad("snapshot", #"{"name": 7}"#, "'name'"),
            Bad("snapshot", #"{"name": ""}"#, "'name'"),
            Bad("snapshot", #"{"name": "a\nb"}"#, "'name'"),
            Bad("snapshot", "{\"name\": \"\(String(repeating: "n", count: 256))\"}", "'name'"),
            Bad("snapshot", #"{"name": "n", "all": false}"#, "'all'"),
            Bad("snapshot", #"{"name": "n", "stream": "a", "prefix": "b"}"#, "'stream'", "'prefix'"),
            Bad("restore", #"{"all": true}"#, "'name'"),
            Bad("delete_snapshot", "{}", "'name'"),
            Bad("reload", "{}", "'model'"),
            Bad("reload", #"{"model": "m", "reset": 1}"#, "'reset'"),
            Bad("log_level", #"{"level": "loud"}"#, "'level'", "warning"),
            Bad("log_level", #"{"level": 1}"#, "'level'"),
            Bad("export", #"{"all": true}"#, "'all'"),
            Bad("import", "{}", "'stream'"),
            Bad("import", "{\(members), \"as\": \"!x\"}", "'as'"),
            Bad("import", #"{"stream": "s", "fingerprint": "f", "sequence": -1}"#, "'sequence'"),
            Bad("write_snapshot", #"{"name": "n"}"#, "'streams'"),
            Bad("write_snapshot", #"{"name": "n", "streams": [1]}"#, "'streams'"),
            Bad("write_snapshot", #"{"name": "n", "streams": [{"stream": "s", "color": 1}]}"#, "'color'"),
            Bad("delete_snapshot", #"{"name": "n", "all": true}"#, "'all'"),
        ]
        + ["reset", "remove", "pause", "resume"].flatMap { method in
            [
                Bad(method, nil, "'stream'", "'prefix'", "'all'"),
                Bad(method, "{}", "'stream'", "'prefix'", "'all'"),
                Bad(method, #"{"stream": "a", "all": true}"#, "stream and all"),
                Bad(method, #"{"stream": "a", "prefix": "a", "all": true}"#, "stream and prefix and all"),
                Bad(method, #"{"stream": ["a"]}"#, "'stream'"),
                Bad(method, #"{"prefix": null}"#, "'prefix'"),
                Bad(method, #"{"all": false}"#, "'all'"),
                Bad(method, #"{"all": 1}"#, "'all'"),
                Bad(method, #"{"streams": "a"}"#, "'streams'"),
                Bad(method, #"["a"]"#, "params"),
                Bad(method, "null", "params"),
                Bad(method, #""all""#, "params"),
            ]
        }

    @Test(arguments: bad)
    func `a bad parameter is refused, and the error names it`(_ bad: Bad) throws {
        let params = try bad.params.map(json)
        let error = try #require(throws: ControlError.self) { try ControlCommand(method: bad.method, params: params) }
        #expect(error.code == .invalidParams)
        for name in bad.named {
            #expect(error.message.contains(name))
        }
    }

    @Test(arguments: ["", "Status", "stream ", "delete-snapshot", "deleteSnapshot", "__proto__"])
    func `an unknown method is refused, and the error lists the methods`(method: String) throws {
        let error = try #require(throws: ControlError.self) { try ControlCommand(method: method, params: nil) }
        #expect(error.code == .methodNotFound)
        #expect(error.message.contains("'\(method)'"))
        #expect(error.message.contains("delete_snapshot"))
    }
}
