import Testing
import Wire
import ZeroMQ

@testable import Client

@Suite struct `A decision as text` {
    private static let one = Decision(
        sequence: 7, step: 3, time: 1_700_000_000_000_000_001, flags: [.first, .changed], label: 1,
        probabilities: [0.93])
    private static let several = Decision(
        sequence: .max, step: 1, time: -1, flags: [.final, .gap], label: 2, probabilities: [0.1, 1e-8, 0.9])

    @Test func `a decision is a CSV row under the header`() {
        #expect(DecisionText.csv.header == "stream,sequence,step,time,probability,label,final,first,gap,changed")
        #expect(text(.csv, Self.one, "s1") == "s1,7,3,1700000000000000001,0.93,1,0,1,0,1\n")
        #expect(text(.csv, Self.several, "a,b") == "\"a,b\",18446744073709551615,1,-1,0.1;1e-08;0.9,2,1,0,1,0\n")
    }

    @Test func `a decision is a JSON line in the protocol's form`() {
        #expect(DecisionText.jsonl.header == nil)
        #expect(
            text(.jsonl, Self.one, "s1")
                == "{\"stream\":\"s1\",\"sequence\":7,\"step\":3,\"time\":1700000000000000001,\"probability\":0.93,"
                + "\"label\":1,\"final\":false,\"first\":true,\"gap\":false,\"changed\":true}\n")
        #expect(text(.jsonl, Self.several, "a\"b\\").hasPrefix("{\"stream\":\"a\\\"b\\\\\","))
        #expect(text(.jsonl, Self.several, "s").contains("\"probability\":[0.1,1e-08,0.9],"))
    }

    @Test(arguments: [Float(0.1), 1 / 3, 0.9999999, 1, 0, .leastNonzeroMagnitude, 3.4028235e38] as [Float])
    func `a probability keeps all its bits`(_ probability: Float) throws {
        var decision = Self.one
        decision.probabilities = [probability]
        let fields = text(.csv, decision, "s").split(separator: ",")
        #expect(Float(fields[4])?.bitPattern == probability.bitPattern)
    }

    @Test(arguments: [one, several])
    func `frames of both codecs are read as the same decisions`(_ decision: Decision) throws {
        var records = DecisionRecords()
        for _ in 0..<2 {
            records.append(
                sequence: decision.sequence, step: decision.step, time: decision.time, flags: decision.flags,
                label: decision.label, probabilities: decision.probabilities.span)
        }
        #expect(try DecisionText.decisions(in: [UInt8](copying: records.bytes)) == [decision, decision])
        #expect(try DecisionText.decisions(in: Array(text(.jsonl, decision, "s").utf8)) == [decision])
    }

    @Test func `a record whose first bytes look like JSON is read as a record`() throws {
        var decision = Self.one
        // This number's bytes are `{"` followed by zeros, so the record resembles JSON text.
        decision.sequence = 0x227B
        var records = DecisionRecords()
        records.append(
            sequence: decision.sequence, step: 1, time: 2, flags: [], label: 0,
            probabilities: decision.probabilities.span)
        #expect(try DecisionText.decisions(in: [UInt8](copying: records.bytes)).map(\.sequence) == [0x227B])
    }

    @Test(arguments: [[], [1, 2, 3], Array("{\"stream\":1}".utf8)] as [[UInt8]])
    func `a frame that is neither records nor JSON is refused`(_ frame: [UInt8]) {
        #expect(throws: ClientError.self) { try DecisionText.decisions(in: frame) }
    }

    private func text(_ format: DecisionText, _ decision: Decision, _ stream: String) -> String {
        var bytes: [UInt8] = []
        format.append(decision, stream: stream, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
