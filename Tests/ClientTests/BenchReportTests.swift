import Foundation
import Testing
import Wire
import ZeroMQ

@testable import Client

@Suite struct `A bench report` {
    let plan = BenchPlan(streams: 1000, timesteps: 4, seconds: 2, rounds: 3, prefix: "bench-")

    func round(_ rate: Double, p50: Double = 50, lost: Int = 0) -> BenchRound {
        BenchRound(messagesPerSecond: rate, p50: p50, p99: 2 * p50, p999: 4 * p50, lost: lost)
    }

    @Test(arguments: [
        ([3.0, 1, 2], 2.0, 1.0, 3.0), ([4, 1, 2, 3], 2.5, 1, 4), ([7], 7, 7, 7),
    ])
    func `the median is the middle value, or the mean of the two middle values`(
        values: [Double], median: Double, least: Double, greatest: Double
    ) throws {
        let spread = try #require(Spread(values))
        #expect(spread.median == median)
        #expect(spread.min == least)
        #expect(spread.max == greatest)
    }

    @Test func `a spread needs values, and a report needs rounds of both targets`() {
        #expect(Spread([]) == nil)
        #expect(BenchReport(plan: plan, daemon: [], forwarder: []) == nil)
        #expect(BenchReport(plan: plan, daemon: [round(1)], forwarder: []) == nil)
    }

    @Test func `the ratio is computed from pairs of rounds, not from medians`() throws {
        let report = try #require(
            BenchReport(
                plan: plan, daemon: [round(100), round(300), round(800)],
                forwarder: [round(200), round(400), round(1600)]))
        #expect(report.daemon.messagesPerSecond.median == 300)
        #expect(report.daemon.timestepsPerSecond.median == 1200)
        #expect(report.ratio.messagesPerSecond == Spread([0.5, 0.75, 0.5]))
        #expect(report.ratio.timestepsPerSecond == report.ratio.messagesPerSecond)
    }

    @Test func `a round without a counterpart is left out`() throws {
        let report = try #require(BenchReport(plan: plan, daemon: [round(100), round(1)], forwarder: [round(200)]))
        #expect(report.rounds == 1)
        #expect(report.daemon.messagesPerSecond.min == 100)
    }

    @Test func `the report is a table with aligned columns`() throws {
        let report = try #require(
            BenchReport(plan: plan, daemon: [round(123_456.4, p50: 61.25)], forwarder: [round(1_234_567, p50: 49)]))
        let table = report.lines.drop { !$0.contains("daemon / forwarder") }.prefix(6)
        #expect(table.count == 6)
        #expect(Set(table.map(\.count)).count == 1)
        let text = report.lines.joined(separator: "\n")
        #expect(text.contains("123,456 (123,456 to 123,456)"))
        #expect(text.contains("493,826 (493,826 to 493,826)"))
        #expect(text.contains("49.0 (49.0 to 49.0)"))
        #expect(text.contains("1 round of 2 s, 1,000 streams, 4 timesteps a message, at most 5,000 messages in flight"))
        #expect(text.hasSuffix("No message was lost: every one was answered."))
    }

    @Test func `the report names the target that lost messages`() throws {
        let report = try #require(
            BenchReport(plan: plan, daemon: [round(1, lost: 1200)], forwarder: [round(1, lost: 1)]))
        #expect(report.lines.contains { $0.hasPrefix("The daemon did not answer 1,200 messages:") })
        #expect(report.lines.contains("The forwarder lost 1 message."))
    }

    @Test func `the report is one JSON object`() throws {
        let report = try #require(BenchReport(plan: plan, daemon: [round(100)], forwarder: [round(200)]))
        let object = try JSONSerialization.jsonObject(with: Data(try JSONText.line(of: report).utf8)) as? [String: Any]
        let daemon = object?["daemon"] as? [String: [String: Double]]
        #expect(daemon?["messages_per_second"] == ["median": 100, "min": 100, "max": 100])
        #expect(daemon?["latency_p999_us"]?["median"] == 200)
        #expect((object?["ratio"] as? [String: [String: Double]])?["messages_per_second"]?["median"] == 0.5)
        #expect((object?["plan"] as? [String: Any])?["in_flight"] as? Int == 5000)
        #expect(object?["lost_by_daemon"] as? Int == 0)
    }
}

@Suite struct `A bench load` {
    @Test func `a load depends only on its seed`() throws {
        let plan = BenchPlan(streams: 3, timesteps: 2, prefix: "b-")
        func payloads(_ load: Load) -> [[UInt8]] { (0..<Load.rowCount).map { Array(copying: load.values($0)) } }
        let load = try Load(plan, features: 4, seed: 7)
        #expect(try payloads(load) == payloads(Load(plan, features: 4, seed: 7)))
        #expect(try payloads(load) != payloads(Load(plan, features: 4, seed: 8)))
        #expect(payloads(load).allSatisfy { $0.count == 2 * 4 * 4 })
    }

    @Test func `a load visits the streams in turn, and their ids have equal lengths`() throws {
        let load = try Load(BenchPlan(streams: 11, prefix: "b-"), features: 1)
        let ids = (0..<12).map { String(decoding: Array(copying: load.names($0)), as: UTF8.self) }
        #expect(ids[..<11] == (0..<11).map { $0 < 10 ? "b-0\($0)" : "b-\($0)" }[...])
        #expect(ids[11] == "b-00")
    }

    @Test(arguments: [false, true])
    func `a batch has as many entries as the plan says, and the first stream follows the last one`(
        areNumbers: Bool
    ) throws {
        let plan = BenchPlan(streams: 5, streamsPerMessage: 3, usesNumbers: areNumbers, timesteps: 2, prefix: "b-")
        let load = try Load(plan, features: 1)
        let bytes = try #require(load.header)
        let header = try unsafe BatchHeader(bytes.span.bytes)
        #expect(header.count == 3 && header.kind == (areNumbers ? .numbers : .ids))
        #expect((load.announcement != nil) == areNumbers)
        let names = Array(copying: load.names(1))
        #expect(names == (areNumbers ? Timesteps.bytes(tokens: [3, 4, 0]) : Array("b-3b-4b-0".utf8)))
        #expect(load.values(1).count == 3 * 2 * 4)
        let single = try Load(BenchPlan(streams: 5, timesteps: 2, prefix: "b-"), features: 1)
        #expect(Array(copying: load.values(1)) == (3..<6).flatMap { Array(copying: single.values($0)) })
    }
}
