import Foundation
import TestSupport
import Testing

@Suite struct `The evaluate command` {
    static let expected: [String: [String: Double]] = {
        let text = try? Data(contentsOf: Fixtures.url("keras/evaluated/expected.json"))
        return text.flatMap { try? JSONDecoder().decode([String: [String: Double]].self, from: $0) } ?? [:]
    }()

    private func path(_ fixture: String) -> String { Fixtures.url(fixture).path }

    private func numbers(_ arguments: [String]) throws -> [String: Any] {
        let ended = try FinishedProgram("sluice", arguments)
        #expect(ended.status == 0, "\(ended.errorOutput)")
        return try #require(try JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any])
    }

    @Test(arguments: [
        "logit.keras", "logit.h5", "logits.keras", "smoothed.keras", "smoothed_classes.keras", "squared.keras",
        "absolute.keras",
    ])
    func `evaluate gives Keras' numbers for the loss with which the model is compiled`(file: String) throws {
        let name = String(try #require(file.split(separator: ".").first))
        let given = try numbers([
            "evaluate", path("keras/evaluated/\(file)"), path("keras/evaluated/\(name).csv"), "--json",
        ])
        let expected = try #require(Self.expected[name])
        for key in ["loss", "accuracy", "auc", "precision", "recall"] {
            guard let keras = expected[key] else {
                #expect(given[key] == nil, "\(key)")
                continue
            }
            #expect(abs(try #require(given[key] as? Double) - keras) < 1e-5, "\(key)")
        }
    }

    @Test func `evaluate gives Keras' AUC, precision and recall on 529 real days`() throws {
        let given = try numbers([
            "evaluate", path("reference/model2.keras"), path("reference/power_test.csv"), "--json",
        ])
        let expected = try #require(Self.expected["power"])
        for (key, keras) in expected { #expect(abs(try #require(given[key] as? Double) - keras) < 1e-5, "\(key)") }
        let confusion = try #require(given["confusion"] as? [[Int]])
        #expect(confusion.flatMap(\.self).reduce(0, +) == 529)
    }

    @Test func `a threshold changes the decisions, but not loss, accuracy and AUC`() throws {
        let command = ["evaluate", path("reference/model2.keras"), path("reference/power_test.csv"), "--json"]
        let half = try numbers(command)
        let high = try numbers(command + ["--threshold", "0.9"])
        for key in ["loss", "accuracy", "auc"] { #expect(half[key] as? Double == high[key] as? Double) }
        #expect(try #require(high["recall"] as? Double) < #require(half["recall"] as? Double))
        #expect(half["confusion"] as? [[Int]] != high["confusion"] as? [[Int]])
    }

    @Test func `evaluate rounds its numbers for people`() throws {
        let ended = try FinishedProgram(
            "sluice", ["evaluate", path("reference/model2.keras"), path("reference/power_test.csv")])
        #expect(ended.output.contains("accuracy   0.9622 (509 of 529, above 0.5)"))
        #expect(ended.output.contains("label 1"))
        let digits = ended.output.matches(of: #/[0-9]\.[0-9]{5}/#)
        #expect(digits.isEmpty, "\(ended.output)")
        let summary = try FinishedProgram(
            "sluice", ["predict", path("reference/model2.keras"), path("reference/power_test.csv"), "--summary"])
        #expect(summary.output == ended.output)
    }

    @Test(arguments: ["logit.keras", "logit.h5", "smoothed.keras", "squared.keras"])
    func `inspect counts trainable weights as Keras does, and summary is an alias for it`(file: String) throws {
        let name = String(try #require(file.split(separator: ".").first))
        let model = path("keras/evaluated/\(file)")
        let text = try FinishedProgram("sluice", ["inspect", model]).output
        let expected = try #require(Self.expected[name])
        let (trainable, others) = (Int(expected["trainable"] ?? -1), Int(expected["non_trainable"] ?? -1))
        #expect(text.contains("Trainable params: \(trainable) ("))
        #expect(text.contains("Non-trainable params: \(others) ("))
        #expect(text.contains("tanh, gates sigmoid"))
        #expect(text.contains(name == "logit" ? "logit" : name == "squared" ? "no classifier" : "probability"))
        #expect(try FinishedProgram("sluice", ["summary", model]).output == text)
    }

    @Test(arguments: ["logit", "squared"])
    func `the daemon warns about a model without probabilities, and accepts any threshold for it`(name: String) throws {
        let model = path("keras/evaluated/\(name).keras")
        let daemon = try DaemonProcess([model, "--mode", "stateful", "--threshold=-3.5"])
        let peer = try Peer(daemon)
        try peer.feed("s", [0, 0, 0])
        let decision = try #require(try peer.decisions(of: "s", 1).first)
        #expect(decision.label == (decision.probabilities[0] >= -3.5 ? 1 : 0))
        #expect(daemon.log.contains(name == "logit" ? "from_logits=True" : "neither in a sigmoid nor in a softmax"))
    }

    @Test func `a threshold that no probability reaches is refused`() throws {
        for arguments in [["sluiced", model2], ["sluice", "predict", model2, path("reference/power_test.csv")]] {
            let ended = try FinishedProgram(arguments[0], arguments.dropFirst() + ["--threshold", "1.5"])
            #expect(ended.status == (arguments[0] == "sluice" ? 64 : 78))
            #expect(ended.errorOutput.contains("0 to 1"))
        }
    }
}

@Suite struct `The modes of predict` {
    private let rows = "trip,x0\n" + (1...6).map { "t\(1 + $0 / 4),0.\($0)\n" }.joined()

    private func predict(_ arguments: String..., input: String) throws -> [String] {
        let ended = try FinishedProgram("sluice", ["predict", model2] + arguments, input: input)
        #expect(ended.status == 0, "\(ended.errorOutput)")
        return ended.output.split(separator: "\n").map(String.init)
    }

    @Test func `predict names each sequence by its own name`() throws {
        let csv = try predict("--stream", "dev", "--sequence-by", "trip", "--values", "x0", input: rows)
        #expect(csv[0] == "stream,sequence,step,probability,label")
        #expect(
            csv.dropFirst().map { $0.split(separator: ",").prefix(3).joined(separator: ",") } == [
                "dev,t1,3", "dev,t2,3",
            ])
        let json = try predict("--stream", "dev", "--sequence-by", "trip", "--values", "x0", "--json", input: rows)
        #expect(json.allSatisfy { $0.contains(#""sequence":"t"#) })
    }

    @Test func `each window is answered like a separate sequence`() throws {
        let windows = try predict("--stream", "s", "--values", "x0", "--mode", "window:3:2", input: rows)
        let alone =
            "stream,x0\n" + [1, 2, 3].map { "a,0.\($0)\n" }.joined() + [3, 4, 5].map { "b,0.\($0)\n" }.joined()
        let sequences = try predict(input: alone)
        #expect(
            windows.dropFirst().map { $0.split(separator: ",")[2...] }
                == sequences.dropFirst().map {
                    $0.split(separator: ",")[2...]
                })
        #expect(windows.dropFirst().map { $0.split(separator: ",")[1] } == ["3", "5"])
    }

    @Test func `sequence mode divides a stream at the model's length`() throws {
        let model3 = Fixtures.url("reference/model3.keras").path
        let ended = try FinishedProgram(
            "sluice", ["predict", model3, "--stream", "s", "--mode", "sequence"],
            input: "x0\n" + String(repeating: "0.5\n", count: 60))
        #expect(
            ended.output.split(separator: "\n").dropFirst().map { $0.split(separator: ",")[1] } == ["24", "24", "12"])
    }

    @Test func `a threshold with two bounds keeps the label between them`() throws {
        let every = try predict("--stream", "s", "--values", "x0", "--every", input: rows)
        let outputs = try every.dropFirst().map { try #require(Float($0.split(separator: ",")[2])) }
        let (low, high) = (try #require(outputs.min()), try #require(outputs.max()))
        let decided = try predict(
            "--stream", "s", "--values", "x0", "--mode", "stateful", "--threshold", "\(high):\(low)", input: rows)
        var label = 0
        for (line, output) in zip(decided.dropFirst(), outputs) {
            label = output >= (label == 1 ? low : high) ? 1 : 0
            #expect(line.hasSuffix(",\(label)"))
        }
    }
}
