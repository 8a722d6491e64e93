import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `The metrics of each model` {
    private struct Case {
        let name: String
        /// The path of the fixture, without its extension.
        let file: String
        let features: Int
        let areProbabilities: Bool
    }

    private static let cases = [
        Case(name: "binary", file: "reference/model2", features: 1, areProbabilities: true),
        Case(name: "classes", file: "keras/gru", features: 3, areProbabilities: true),
        Case(name: "logit", file: "keras/evaluated/logit", features: 3, areProbabilities: false),
    ]

    /// Returns the value of a sample, which is given with its labels as in the text; nil if there is no such sample.
    private func value(of sample: String, in text: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }
            .flatMap { Double($0.dropFirst(sample.count + 1)) }
    }

    @Test func `the streams by label follow their last decisions, a few seconds later`() throws {
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort)
        let peer = try Peer(daemon)
        var labels = [0, 0]
        for stream in 1...40 {
            try peer.feed("s\(stream)", values(50, seed: stream))
            if let last = try peer.decisions(of: "s\(stream)", 50).last { labels[Int(last.label)] += 1 }
        }
        #expect(labels[0] > 0 && labels[1] > 0)
        // The first question begins the count.
        let counted: [Double?]? = try eventually {
            let text = try HTTPReply("GET", "/metrics", at: daemon.http).body
            let counts = [0, 1].map { value(of: "sluice_model_streams{model=\"model2\",label=\"\($0)\"}", in: text) }
            return counts[0] == nil ? nil : counts
        }
        #expect(counted == labels.map { Double($0) })
    }

    @Test func `the counts by label and by probability equal those of the received decisions`() throws {
        let folder = try TemporaryFolder()
        let models = Self.cases.map { each in
            let file = Fixtures.url("\(each.file).keras").path
            return "  \(each.name): {file: \(file), prefixes: [\(each.name)], mode: stateful}\n"
        }
        let daemon = try DaemonProcess(
            ["--config", try folder.write("models:\n" + models.joined(), to: "sluice.yaml")]
                + `The HTTP endpoint`.anyPort)
        let peer = try Peer(daemon)
        var decided: [String: [Decision]] = [:]
        for each in Self.cases {
            for stream in 1...3 {
                let id = "\(each.name)-\(stream)"
                try peer.feed(id, values(200 * each.features, seed: stream))
                decided[each.name, default: []] += try peer.decisions(of: id, 200)
            }
        }

        let text = try HTTPReply("GET", "/metrics", at: daemon.http).body
        for each in Self.cases {
            let decisions = decided[each.name] ?? []
            let model = "model=\"\(each.name)\""
            for label in 0..<UInt8(max(2, decisions[0].probabilities.count)) {
                let count = decisions.count { $0.label == label }
                let sample = "sluice_model_decisions_total{\(model),label=\"\(label)\"}"
                #expect(value(of: sample, in: text) == Double(count), "\(sample)")
            }
            // With several outputs, the probability is that of the label's class.
            let probabilities = decisions.map {
                $0.probabilities.count == 1 ? $0.probabilities[0] : $0.probabilities.max() ?? 0
            }
            for part in 1...20 {
                let bound = Double(part) / 20
                let sample = "sluice_model_probability_bucket{\(model),le=\"\(part == 20 ? "1" : "\(bound)")\"}"
                let count = probabilities.count { Double($0) <= bound }
                #expect(value(of: sample, in: text) == (each.areProbabilities ? Double(count) : nil), "\(sample)")
            }
            let sum = value(of: "sluice_model_probability_sum{\(model)}", in: text)
            guard each.areProbabilities else {
                #expect(sum == nil)
                continue
            }
            let expected = probabilities.reduce(0) { $0 + Double($1) }
            #expect(abs(try #require(sum) - expected) < 1e-6)
        }
    }
}
