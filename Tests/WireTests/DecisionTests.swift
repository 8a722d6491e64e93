import Foundation
import Testing
import Wire

/// Compares decision records with the protocol's table of offsets, byte for byte.
@Suite struct `A decision on the wire` {
    static let one = Decision(
        sequence: 0x0102_0304_0506_0708, step: 3, time: -2, flags: [.final, .gap, .changed], label: 1,
        probabilities: [0.5])
    static let oneBytes: [UInt8] = [
        8, 7, 6, 5, 4, 3, 2, 1,  // 0: sequence
        3, 0, 0, 0, 0, 0, 0, 0,  // 8: step
        0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,  // 16: time
        0b1101, 0,  // 24: flags
        1,  // 26: label
        1,  // 27: n
        0, 0, 0, 0x3F,  // 28: probability
    ]

    static let three = Decision(
        sequence: .max, step: 1 << 40, time: 1_700_000_000_000_000_001, flags: .first, label: 2,
        probabilities: [0.25, -1, 0.75])
    static let threeBytes: [UInt8] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0, 0, 0, 0, 0, 1, 0, 0,
        0x01, 0x00, 0x2A, 0x36, 0xFE, 0x9C, 0x97, 0x17,
        0b0010, 0,
        2,
        3,
        0, 0, 0x80, 0x3E, 0, 0, 0x80, 0xBF, 0, 0, 0x40, 0x3F,
    ]

    private func append(_ decision: Decision, to records: inout DecisionRecords) {
        records.append(
            sequence: decision.sequence, step: decision.step, time: decision.time, flags: decision.flags,
            label: decision.label, probabilities: decision.probabilities.span)
    }

    private func bytes(_ decisions: [Decision]) -> [UInt8] {
        var records = DecisionRecords()
        for decision in decisions { append(decision, to: &records) }
        return records.frame
    }

    @Test(arguments: [(one, oneBytes), (three, threeBytes)])
    func `a record's fields are at their offsets`(decision: Decision, expected: [UInt8]) throws {
        #expect(expected.count == 28 + 4 * decision.probabilities.count)
        #expect(bytes([decision]) == expected)
        #expect(try decisions(expected) == [decision])
    }

    @Test func `consecutive records of different lengths are read`() throws {
        let frame = bytes([Self.one, Self.three, Self.one])
        #expect(frame == Self.oneBytes + Self.threeBytes + Self.oneBytes)
        #expect(try decisions(frame) == [Self.one, Self.three, Self.one])
    }

    @Test func `a record holds up to 255 outputs`() throws {
        var decision = Self.one
        decision.probabilities = (0..<255).map { Float($0) / 255 }
        let frame = bytes([decision])
        #expect(frame.count == 28 + 4 * 255)
        #expect(try decisions(frame) == [decision])
    }

    @Test(arguments: [(.final, 1), (.first, 2), (.gap, 4), (.changed, 8)] as [(Decision.Flags, UInt16)])
    func `every flag has its own bit`(flag: Decision.Flags, bit: UInt16) {
        #expect(flag.rawValue == bit)
    }

    @Test func `a frame that ends within a record is refused, and the error states the offset of the record`() throws {
        let frame = Self.oneBytes + Self.threeBytes
        for count in 0..<frame.count where count != Self.oneBytes.count {
            let cut = Array(frame.prefix(count))
            let error = try #require(throws: DecisionError.self) { try decisions(cut) }
            #expect(error.byteCount == count)
            let offset = count < Self.oneBytes.count ? 0 : Self.oneBytes.count
            #expect(error.description.hasSuffix("begins at byte \(offset)"))
        }
    }

    @Test func `removed records leave nothing behind`() {
        var records = DecisionRecords()
        for _ in 0..<3 { append(Self.three, to: &records) }
        #expect(records.count == 3)
        records.removeAll()
        #expect(records.count == 0)
        #expect(records.frame.isEmpty)
        append(Self.one, to: &records)
        #expect(records.count == 1)
        #expect(records.frame == Self.oneBytes)
    }

    private func object(_ decision: Decision, _ stream: String = "s1") -> String {
        var bytes: [UInt8] = []
        decision.appendJSON(stream: Array(stream.utf8).span, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `a JSON object has exactly the protocol's members`() {
        let decision = Decision(
            sequence: 7, step: 7, time: 1_700_000_000_000_000_001, flags: .changed, label: 1, probabilities: [0.93])
        #expect(
            object(decision)
                == #"{"stream":"s1","sequence":7,"step":7,"time":1700000000000000001,"probability":0.93,"label":1,"#
                + #""final":false,"first":false,"gap":false,"changed":true}"#)
        var again = decision
        again.flags = .replayed
        #expect(object(again).hasSuffix(#""gap":false,"changed":false,"replayed":true}"#))
        #expect(
            object(Self.three)
                == #"{"stream":"s1","sequence":18446744073709551615,"step":1099511627776,"time":1700000000000000001,"#
                + #""probability":[0.25,-1.0,0.75],"label":2,"final":false,"first":true,"gap":false,"changed":false}"#)
    }

    @Test(arguments: ["s", "a\"b\\c", "Zähler-😀", "a b/c"])
    func `an id that is written in a JSON object is read as the same id`(id: String) throws {
        #expect(try json(object(Self.one, id)).members?["stream"] == .string(id))
    }

    @Test func `a probability in a JSON object keeps all its bits, and a NaN or an infinity is null`() throws {
        struct Answer: Decodable { let probability: StreamStatus.Probability }
        func reread(_ probabilities: [Float]) throws -> [Float] {
            var decision = Self.one
            decision.probabilities = probabilities
            return try JSONDecoder().decode(Answer.self, from: Data(object(decision).utf8)).probability.values
        }
        let values: [Float] = [0.1, 1 / 3, 1e-8, 0, -0.0, 1, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1e16]
        #expect(try reread(values).map(\.bitPattern) == values.map(\.bitPattern))
        for value in values { #expect(try reread([value]).map(\.bitPattern) == [value.bitPattern]) }
        #expect(try reread([.nan])[0].isNaN)
        #expect(try reread([0.5, .infinity, -.infinity]).map(\.isNaN) == [false, true, true])
        var decision = Self.one
        decision.probabilities = [.infinity]
        #expect(try json(object(decision)).members?["probability"] == .null)
    }

    @Test func `written records are read as the same decisions`() {
        var records = DecisionRecords()
        #expect(records.all.isEmpty)
        append(Self.one, to: &records)
        append(Self.three, to: &records)
        #expect(records.all == [Self.one, Self.three])
    }
}
