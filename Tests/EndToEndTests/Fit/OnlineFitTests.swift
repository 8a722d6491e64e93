import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests training that is interrupted, changed and continued while a daemon serves the model. The cases `change`,
/// `online` and `online_late` have the results of the same steps in Keras.
@Suite struct `Training between decisions` {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Returns the labelled hours of a file, day by day.
    private func days() throws -> [[(value: Float, label: String)]] {
        let rows = try Fixtures.rows("\(FitCase.folder)/power_20.csv")
        let hours = try rows.map { row in
            (value: try #require(row["x0"].flatMap(Float.init)), label: try #require(row["label"]))
        }
        return stride(from: 0, to: hours.count, by: 24).map { Array(hours[$0..<$0 + 24]) }
    }

    /// Trains on the given hours, in order.
    private func fit(
        _ model: String, _ hours: [(value: Float, label: String)], into output: String, _ options: [String]
    ) throws -> FitHistory {
        let rows = hours.map { "\($0.value),\($0.label)\n" }.joined()
        let data = try folder.write("x0,label\n" + rows, to: "data.csv")
        let ended = try FinishedProgram(
            "sluice", ["fit", model, data, "-o", output, "--force", "--values", "x0", "--stream", "s"] + options)
        #expect(ended.status == 0, "\(ended.errorOutput)")
        return try FitHistory(ended.output)
    }

    /// Compares the state in a file with Keras' state.
    private func expect(_ path: String, near expected: [[Double]], within tolerance: Double) throws {
        let export = try JSONDecoder().decode(StreamExport.self, from: Data(contentsOf: URL(filePath: path)))
        let values = try #require(export.decodeState())
        #expect(values.count == expected[0].count + 1, "the state and the last decision")
        for (a, b) in zip(values, expected[0]) { #expect(abs(Double(a) - b) <= tolerance) }
    }

    private func write(_ export: StreamExport, to name: String) throws -> String {
        try folder.write(String(decoding: try JSONEncoder().encode(export), as: UTF8.self), to: name)
    }

    @Test func `training goes on after its weights, its input or its state change`() throws {
        let given = try FitCase("change")
        let (days, parts) = (try days(), given.parts)
        try #require(parts.count == 5)
        var last = given.model
        /// Trains on one part, and compares its mean loss and its final state with those of Keras.
        func train(
            _ part: Int, _ hours: [(value: Float, label: String)], from state: String? = nil
        ) throws -> (model: String, state: String) {
            let (model, after) = (folder.path("\(part).safetensors"), folder.path("\(part).json"))
            let start = state.map { ["--resume", "--initial-epoch", "0", "--initial-state", $0] } ?? ["--keep-state"]
            let history = try fit(last, hours, into: model, ["--chunk", "1", "--final-state", after] + start)
            let losses = try #require(parts[part].losses)
            let mean = losses.reduce(0, +) / Double(losses.count)
            let loss = try #require(history["loss"]?.first)
            #expect(abs(loss - mean) <= given.tolerance("losses"), "part \(part)")
            try expect(after, near: parts[part].state, within: given.tolerance("final"))
            last = model
            return (model, after)
        }
        let first = try train(0, days[0] + days[1])
        // A daemon serves one day with the weights trained so far.
        let peer = try Peer(try DaemonProcess([first.model]))
        let export = try JSONDecoder().decode(StreamExport.self, from: Data(contentsOf: URL(filePath: first.state)))
        _ = try peer.control.call(.import(export, as: nil))
        let decisions = try peer.decide("s", days[2].map(\.value))
        let probabilities = try #require(parts[1].probabilities)
        for (decision, expected) in zip(decisions, probabilities) {
            #expect(abs(Double(decision.probabilities[0]) - expected) <= given.tolerance("losses"))
        }
        let served = try write(try peer.control.call(.export("s")), to: "served.json")
        try expect(served, near: parts[1].state, within: given.tolerance("final"))

        try halve("lstm/recurrent_kernel", in: first.model)
        let changed = try train(2, days[3], from: served)
        let scaled = try train(3, days[4].map { (0.5 * $0.value + 0.25, $0.label) }, from: changed.state)
        _ = try train(4, days[3], from: first.state)
        let expected = try FixtureTensors(Fixtures.url("\(FitCase.folder)/change.tensors.safetensors"))
        let found = try FixtureTensors(URL(filePath: last))
        for name in expected.names where name.hasPrefix("final_float64/") {
            let pairs = zip(found.values(String(name.dropFirst("final_float64/".count))), expected.values(name))
            #expect(pairs.allSatisfy { abs($0 - $1) <= given.tolerance("final") }, "\(name)")
        }
        #expect(scaled.model != last)
    }

    /// Halves the values of a tensor in a safetensors file.
    private func halve(_ name: String, in path: String) throws {
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let range = try #require(try FixtureTensors(URL(filePath: path)).range(of: name))
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
            let bits = bytes[start..<start + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let half = (Float(bitPattern: bits) / 2).bitPattern
            for k in 0..<4 { bytes[start + k] = UInt8(truncatingIfNeeded: half >> (8 * UInt32(k))) }
        }
        try Data(bytes).write(to: URL(filePath: path))
    }

    /// The cases, and how many days of each case the test repeats. In that time, the served weights are replaced at
    /// least once.
    @Test(arguments: [("online", 1), ("online_late", 2)])
    func `a daemon whose weights are trained on late labels has Keras' probabilities`(name: String, count: Int) throws {
        let given = try FitCase(name)
        let online = try #require(given.online)
        let (served, learner) = (folder.path("served.keras"), folder.path("learner.keras"))
        try FileManager.default.copyItem(atPath: given.model, toPath: served)
        try FileManager.default.copyItem(atPath: given.model, toPath: learner)
        let peer = try Peer(try DaemonProcess([served]))
        var (updates, probabilities): (Int, [Double]) = (0, [])
        /// The hours of each pending update, and the state before its first hour; nil for the zero state.
        var waiting: [(hours: [(value: Float, label: String)], state: StreamExport?)] = []
        for day in try days().prefix(count) {
            if !probabilities.isEmpty { _ = try peer.control.call(.reset(.stream("s"))) }
            var states: [StreamExport?] = []
            for hour in day.indices {
                states.append(hour == 0 ? nil : try peer.control.call(.export("s")))
                probabilities += try peer.decide("s", [day[hour].value])[0].probabilities.map(Double.init)
                let first = max(0, hour + 1 - online.window)
                waiting.append((Array(day[first...hour]), states[first]))
                guard waiting.count > online.delay else { continue }
                let next = waiting.removeFirst()
                var options = ["--chunk", "\(online.window)"]
                if let state = next.state { options += ["--initial-state", try write(state, to: "state.json")] }
                if updates > 0 { options += ["--resume", "--initial-epoch", "0"] }
                _ = try fit(learner, next.hours, into: learner, options)
                updates += 1
                guard updates.isMultiple(of: online.swap) else { continue }
                try Data(contentsOf: URL(filePath: learner)).write(to: URL(filePath: served), options: .atomic)
                let result = try peer.control.call(.reload(model: "served", reset: false))
                #expect(result.carried == 1)
            }
        }
        #expect(updates >= online.swap)
        for (found, expected) in zip(probabilities, given.probabilities) {
            #expect(abs(found - expected) <= given.tolerance("prequential_loss"))
        }
    }
}
