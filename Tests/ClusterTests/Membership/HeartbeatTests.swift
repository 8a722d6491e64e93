import Cluster
import Foundation
import TestSupport
import Testing

/// Tests the form of heartbeats in the KV store.
@Suite struct `A heartbeat` {
    static let full = Heartbeat(
        incarnation: .max, beat: 7, presence: .member, restarts: 2, founders: ["b", "c"],
        partitions: [0: .serving, 3: .serving, 5: .claiming, 6: .restoring, 7: .draining],
        refusals: [1: "other weights: \"a\\b\"\n\u{1}é", 2: "other weights: \"a\\b\"\n\u{1}é", 4: "damaged"],
        standbys: [8, 9], through: [0: 12, 3: .max], lags: [3: 5],
        addresses: .init(control: "tcp://10.0.0.1:5552", http: "http://10.0.0.1:5553"),
        program: "0.1.0")
    static let plain = Heartbeat(incarnation: 0, program: "")

    @Test(arguments: [full, plain])
    func `is read as it was written`(heartbeat: Heartbeat) throws {
        #expect(try Heartbeat(json: heartbeat.json, node: "a", partitions: 10) == heartbeat)
    }

    @Test(arguments: Heartbeat.Presence.allCases)
    func `says each presence`(presence: Heartbeat.Presence) throws {
        var heartbeat = Self.plain
        heartbeat.presence = presence
        #expect(try Heartbeat(json: heartbeat.json, node: "a", partitions: 1).presence == presence)
    }

    @Test func `has one documented form`() {
        let text = String(decoding: Self.full.json, as: UTF8.self)
        #expect(
            text == #"{"beat":7,"control":"tcp://10.0.0.1:5552","founders":["b","c"],"http":"http://10.0.0.1:5553","#
                + #""incarnation":"ffffffffffffffff","lag":{"3":5},"#
                + #""partitions":{"claiming":[5],"draining":[7],"restoring":[6],"serving":[0,3]},"#
                + #""presence":"member","program":"0.1.0","#
                + #""refusals":{"damaged":[4],"other weights: \"a\\b\"\u000a\u0001é":[1,2]},"#
                + #""restarts":2,"standbys":[8,9],"through":{"0":12,"3":18446744073709551615},"version":1}"#)
    }

    /// Changes of a valid heartbeat, with the part of the error that names the problem.
    static let changes: [(from: String, to: String, problem: String)] = [
        (#""version":1"#, #""version":2"#, "has version 2, and this node reads version 1"),
        (#""version":1"#, #""version":"1""#, "\"version\""),
        (#","version":1"#, "", "\"version\""),
        (#""beat":7"#, #""beat":-7"#, "\"beat\""),
        (#""beat":7"#, #""beat":7.5"#, "\"beat\""),
        (#""presence":"member""#, #""presence":"king""#, "\"presence\""),
        (#""ffffffffffffffff""#, #""fffffffffffffffff""#, "\"incarnation\""),
        (#""ffffffffffffffff""#, "5", "\"incarnation\""),
        (#""claiming":[5]"#, #""claiming":[10]"#, "\"partitions\""),
        (#""claiming":[5]"#, #""claiming":[-1]"#, "\"partitions\""),
        (#""claiming":[5]"#, #""claiming":[0]"#, "\"partitions\""),
        (#""claiming":[5]"#, #""claiming":5"#, "\"partitions\""),
        (#""claiming":[5]"#, #""stealing":[5]"#, "\"partitions\""),
        (#""damaged":[4]"#, #""damaged":{}"#, "\"refusals\""),
        (#""standbys":[8,9]"#, #""standbys":[8,"9"]"#, "\"standbys\""),
        (#"{"0":12,"#, #"{"10":12,"#, "\"through\""),
        (#"{"0":12,"#, #"{"0":-1,"#, "\"through\""),
        (#"{"0":12,"#, #"{"a":12,"#, "\"through\""),
        (#""lag":{"3":5}"#, #""lag":{"3":"5"}"#, "\"lag\""),
        (#"["b","c"]"#, #"["b","c d"]"#, "\"founders\""),
        (#""tcp://10.0.0.1:5552""#, "1", "\"control\""),
        ("{", "[", "not a JSON object"),
        (#"[5]"#, #"[[[[5]]]]"#, "not a JSON object"),
    ]

    @Test(arguments: changes)
    func `that is damaged or newer is refused with the node and the problem`(
        change: (from: String, to: String, problem: String)
    ) throws {
        let text = String(decoding: Self.full.json, as: UTF8.self)
        let range = try #require(text.range(of: change.from))
        let damaged = Array(text.replacingCharacters(in: range, with: change.to).utf8)
        let error = #expect(throws: HeartbeatError.self) {
            try Heartbeat(json: damaged, node: "a", partitions: 10)
        }
        #expect(error?.node == "a")
        #expect(error?.description.contains("node a: ") == true)
        #expect(error?.problem.contains(change.problem) == true, "\(error?.problem ?? "")")
    }

    @Test func `may have members that this version does not know`() throws {
        var text = String(decoding: Self.full.json, as: UTF8.self)
        text.insert(contentsOf: #""cores":8,"#, at: text.index(after: text.startIndex))
        #expect(try Heartbeat(json: Array(text.utf8), node: "a", partitions: 10) == Self.full)
    }

    @Test func `of any bytes is refused or read, and does not crash`() {
        var random = SplitMix64(seed: 24)
        for _ in 0..<3000 {
            var bytes = Self.full.json
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes[Int.random(in: bytes.indices, using: &random)], at: place)
                }
            }
            _ = try? Heartbeat(json: bytes, node: "a", partitions: 10)
        }
        let long = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 20)
        #expect(throws: HeartbeatError.self) { try Heartbeat(json: long, node: "a", partitions: 10) }
    }

    @Test(arguments: ["a", "node-1", "host.example.com", "A_9", String(repeating: "a", count: 63)])
    func `has a key from which its node can be read`(name: String) {
        #expect(NodeName.isValid(name))
        #expect(NodeName.node(ofKey: NodeName.key(of: name)) == name)
    }

    @Test(
        arguments: [
            "", ".", ".a", "a.", "a..b", "a b", "a*", ">", "é", "a/b", "a\n", String(repeating: "a", count: 64),
        ])
    func `has no node with a name that a key cannot hold`(name: String) {
        #expect(!NodeName.isValid(name))
        #expect(NodeName.node(ofKey: "n.\(name)") == nil)
        #expect(NodeName.node(ofKey: name) == nil)
    }
}
