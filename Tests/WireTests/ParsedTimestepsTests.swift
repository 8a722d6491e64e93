import TestSupport
import Testing
import Wire

/// Tests messages in the codecs `json` and `text`.
@Suite struct `Timesteps as text` {
    /// The content of a message.
    struct Said: Equatable {
        var id = "s"
        var header = TimestepHeader()
        var timesteps: [[Float]]
    }

    private func read(
        _ codec: IngestCodec, _ frames: [[UInt8]], features: Int = 1
    ) throws(DropCause) -> Said {
        var message = ParsedTimesteps()
        // First read another message. None of its contents may remain.
        try message.read(
            .json, frames: 1,
            first: Array(#"{"stream":"old","values":[[9,9],[9,9]],"sequence":9,"start":true,"end":true}"#.utf8).span,
            second: Span())
        let first = frames.first ?? []
        let second = frames.count > 1 ? frames[1] : []
        try message.read(codec, frames: frames.count, first: first.span, second: second.span)
        let values = try message.timesteps(features: features)
        #expect(values.count == message.count * features)
        return Said(
            id: String(decoding: message.id, as: UTF8.self), header: message.header,
            timesteps: (0..<message.count).map { Array(values[($0 * features)..<(($0 + 1) * features)]) })
    }

    private func read(_ codec: IngestCodec, _ frames: String..., features: Int = 1) throws(DropCause) -> Said {
        try read(codec, frames.map { Array($0.utf8) }, features: features)
    }

    @Test func `the protocol's example is read`() throws {
        let header = TimestepHeader(sequence: 7, flags: .start)
        #expect(
            try read(.json, #"{"stream": "s1", "values": [0.1], "sequence": 7, "start": true, "end": false}"#)
                == Said(id: "s1", header: header, timesteps: [[0.1]]))
        #expect(
            try read(.json, #"{"stream": "s1", "values": [[0.1],[0.2]], "sequence": 7, "start": true, "end": false}"#)
                == Said(id: "s1", header: header, timesteps: [[0.1], [0.2]]))
        #expect(try read(.text, "s1 0.1 0.2", features: 2) == Said(id: "s1", timesteps: [[0.1, 0.2]]))
    }

    static let objects: [(String, Said)] = [
        (#"{"values":[1]}"#, Said(timesteps: [[1]])),
        (#"{"stream":"s","values":[1]}"#, Said(timesteps: [[1]])),
        (#"{"values":[1],"end":true}"#, Said(header: .init(flags: .end), timesteps: [[1]])),
        (#"{"end":true,"start":true,"values":[1]}"#, Said(header: .init(flags: [.start, .end]), timesteps: [[1]])),
        (#"{"values":[1],"end":false,"start":false,"sequence":0}"#, Said(timesteps: [[1]])),
        (#"{"values":[1],"sequence":18446744073709551615}"#, Said(header: .init(sequence: .max), timesteps: [[1]])),
        (#"{"\u0076alues":[1],"stream":"\u0073"}"#, Said(timesteps: [[1]])),
        (" \t\r\n{ \"values\" :\n[ 1\t] , \"end\"\r:\ttrue } \n", Said(header: .init(flags: .end), timesteps: [[1]])),
        (#"{"values":[ [ 1 ] , [ 2 ] , [ 3 ] ]}"#, Said(timesteps: [[1], [2], [3]])),
        (#"{"values":[[1]]}"#, Said(timesteps: [[1]])),
    ]

    @Test(arguments: objects)
    func `members may be omitted, be in any order and be surrounded by whitespace`(text: String, said: Said) throws {
        #expect(try read(.json, "s", text) == said)
    }

    @Test func `spaces and tabs around an id do not count, as in the other codec and in the tool`() throws {
        #expect(try read(.json, #"{"stream":" \ts 1\t ","values":[1]}"#) == Said(id: "s 1", timesteps: [[1]]))
        #expect(try read(.json, "s", #"{"stream":"s ","values":[1]}"#) == Said(id: "s", timesteps: [[1]]))
        #expect(try read(.json, #"{"stream":"  ","values":[1]}"#) == Said(id: "", timesteps: [[1]]))
        #expect(throws: DropCause.id) { try read(.json, "s", #"{"stream":"t ","values":[1]}"#) }
    }

    static let numbers: [(String, Float)] = [
        ("0", 0), ("-0", -0.0), ("1", 1), ("-1.5", -1.5), ("0.1", 0.1), ("1e3", 1000), ("1E+3", 1000), ("25e-2", 0.25),
        ("1e-05", 1e-5), ("0.0", 0), ("3.4028235e38", .greatestFiniteMagnitude), ("1e-45", .leastNonzeroMagnitude),
        ("1e-99", 0), ("-1e-99", -0.0), ("16777217", 16_777_216), ("1.00000005960464477539062500001", 1.000_000_1),
        ("123456789012345678901234567890", 1.234_567_9e29), ("0." + String(repeating: "3", count: 5_000), 1 / 3),
    ]

    @Test(arguments: numbers)
    func `a number becomes the nearest float`(text: String, value: Float) throws {
        for said in [
            try read(.json, #"{"stream":"s","values":[\#(text)]}"#), try read(.json, "s", #"{"values":[[\#(text)]]}"#),
            try read(.text, "s \(text)"),
        ] {
            #expect(said.timesteps.flatMap { $0 }.map(\.bitPattern) == [value.bitPattern])
        }
    }

    @Test func `a float's shortest text restores all its bits`() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let value = Float(bitPattern: generator.next())
            guard value.isFinite else { continue }
            for said in [try read(.json, "s", #"{"values":[\#(value)]}"#), try read(.text, "s \(value)")] {
                #expect(said.timesteps[0][0].bitPattern == value.bitPattern, "\(value)")
            }
        }
    }

    @Test func `a decimal number of any length is rounded once, even halfway between two floats`() throws {
        var chance = SplitMix64(seed: 19)
        var texts = (0..<64).flatMap { step in
            // Past 2²⁴, every second whole number lies halfway between two floats. The inputs are such numbers and
            // their neighbors.
            ["", ".0", ".0000001", "e0", "0e-1", ".00000000000000001"].map { "\(16_777_200 + step)\($0)" }
                + ["\(16_777_199 + step).9999999", "\(33_554_400 + 2 * step)", "0.\(16_777_217 + 2 * step)"]
        }
        for _ in 0..<1_000 {
            var digits = (0..<Int.random(in: 1...18, using: &chance)).map { _ in
                Character("\(Int.random(in: 0...9, using: &chance))")
            }
            if Bool.random(using: &chance) { digits.insert(".", at: Int.random(in: 1...digits.count, using: &chance)) }
            let exponent = Int.random(in: -50...40, using: &chance)
            texts.append(String(digits) + (Bool.random(using: &chance) ? "e\(exponent)" : ""))
        }
        for text in texts {
            for signed in [text, "-" + text] {
                let value = try #require(Float(signed))
                guard value.isFinite else { continue }
                let said = try read(.text, "s \(signed)").timesteps[0][0]
                #expect(said.bitPattern == value.bitPattern, "\(signed)")
            }
        }
    }

    @Test func `a frame may be as long as the limit and no longer`() throws {
        let blanks = { (count: Int) in String(repeating: " ", count: count) }
        let text = "s 1", object = #"{"stream":"s","values":[1]}"#
        let bound = ParsedTimesteps.maximumLength
        #expect(try read(.text, text + blanks(bound - 3)) == Said(timesteps: [[1]]))
        #expect(try read(.json, object + blanks(bound - object.utf8.count)) == Said(timesteps: [[1]]))
        #expect(try read(.json, "s", object + blanks(bound - object.utf8.count)) == Said(timesteps: [[1]]))
        #expect(throws: DropCause.tooLarge) { try read(.text, text + blanks(bound - 2)) }
        #expect(throws: DropCause.tooLarge) { try read(.json, object + blanks(bound)) }
        #expect(throws: DropCause.tooLarge) { try read(.json, "s", object + blanks(bound)) }
        #expect(throws: DropCause.tooLarge) { try read(.json, "s" + blanks(bound), object) }
    }

    static let ids: [(String, String)] = [
        ("s", "s"), ("", ""), ("a b", "a b"), (#"a\"b\\c\/d"#, "a\"b\\c/d"), (#"\t\b\f\n\r"#, "\u{8}\u{C}\n\r"),
        (#"\u00e9\u20AC"#, "é€"), (#"\ud83d\ude00x"#, "😀x"), (#"\uDBFF\uDFFF"#, "\u{10FFFF}"), ("Zähler-😀", "Zähler-😀"),
    ]

    @Test(arguments: ids)
    func `escapes in an id are resolved`(text: String, id: String) throws {
        #expect(try read(.json, #"{"stream":"\#(text)","values":[1]}"#).id == id)
        #expect(try read(.json, id, #"{"stream":"\#(text)","values":[1]}"#).id == id)
    }

    static let lines: [(String, Int, [Float])] = [
        ("s 1", 1, [1]), ("s 1 2 3", 3, [1, 2, 3]), ("  s\t1 \n", 1, [1]), ("s\r\n1\r\n", 1, [1]),
        ("s +1 .5 -.5 5. 1E2", 5, [1, 0.5, -0.5, 5, 100]),
    ]

    @Test(arguments: lines)
    func `any kind of whitespace separates words`(text: String, features: Int, values: [Float]) throws {
        #expect(try read(.text, text, features: features) == Said(timesteps: [values]))
    }

    /// A message that must be refused.
    struct Bad: CustomTestStringConvertible, Sendable {
        let cause: DropCause
        let codec: IngestCodec
        let frames: [[UInt8]]
        let features: Int

        init(_ cause: DropCause, _ codec: IngestCodec, _ frames: String..., features: Int = 1) {
            self.init(cause, codec, frames: frames.map { Array($0.utf8) }, features: features)
        }

        init(_ cause: DropCause, _ codec: IngestCodec, frames: [[UInt8]], features: Int = 1) {
            self.cause = cause
            self.codec = codec
            self.frames = frames
            self.features = features
        }

        var testDescription: String {
            let shown = frames.map { String(decoding: $0.prefix(60), as: UTF8.self) }
            return "\(codec), \(cause): \(shown.joined(separator: " | "))"
        }
    }

    /// Strings that are not a valid object of the protocol.
    static let noObjects = [
        "", " ", "{", "}", "[1]", "1", "null", "\"s\"", "s 1", "{}", "{\"values\"}", "{\"values\":}", "{\"values\":[1]",
        "{\"values\":[1],}", "{,\"values\":[1]}", "{\"values\":[1]}}", "{\"values\":[1]} x", "{\"values\":[1]}{}",
        "{'values':[1]}", "{values:[1]}", "{\"values\":[1]; \"end\":true}", "\u{FEFF}{\"values\":[1]}",
        "{\"values\":[1]\"end\":true}", "{\"values\":[1]}\0", "{\"values\":[1] /* one */}",
        "{\"values\":[1],\"unknown\":1}", "{\"Values\":[1]}", "{\"values\":[1],\"values\":[1]}",
        "{\"end\":true,\"values\":[1],\"end\":true}", "{\"sequence\":1}", "{\"value\":[1]}",
    ]

    /// Strings that are not valid as `values`.
    static let noValues = [
        "1", "\"1\"", "null", "true", "{}", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[\"1\"]", "[null]", "[true]",
        "[{}]", "[[1]", "[[1],", "[[1],]", "[[1],2]", "[1,[2]]", "[[[1]]]", "[[1],[[2]]]", "[[1][2]]", "[01]", "[+1]",
        "[.5]", "[5.]", "[1e]", "[1e+]", "[-]", "[--1]", "[1.2.3]", "[0x10]", "[1_000]", "[nan]", "[inf]", "[1f]",
        "[１]",
        String(repeating: "[", count: 100_000),
    ]

    static let bad: [Bad] = {
        var bad = noObjects.map { Bad(.json, .json, "s", $0) }
        bad += noValues.map { Bad(.json, .json, "s", "{\"values\":\($0)}") }
        bad += ["-1", "1.0", "1e3", "01", "\"1\"", "null", "true", "[1]", "+1", ""].map {
            Bad(.json, .json, "s", "{\"values\":[1],\"sequence\":\($0)}")
        }
        bad += ["1", "0", "null", "\"true\"", "True", "tru", "[]", ""].flatMap {
            [
                Bad(.json, .json, "s", "{\"values\":[1],\"start\":\($0)}"),
                Bad(.json, .json, "s", "{\"values\":[1],\"end\":\($0)}"),
            ]
        }
        bad += [
            "1", "null", "[\"s\"]", "\"s", "\"\n\"", "\"\\x\"", "\"\\\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\"",
            "\"\\ud83dx\"", "\"\\ud83d\\n\"", "\"\\ud83d\\ud83d\"", "\"\\ude00\"", "\"\\",
        ].map { Bad(.json, .json, "s", "{\"values\":[1],\"stream\":\($0)}") }
        bad += ["18446744073709551616", "99999999999999999999999"].map {
            Bad(.sequence, .json, "s", "{\"values\":[1],\"sequence\":\($0)}")
        }
        bad += ["NaN", "Infinity", "-Infinity", "1e39", "-1e39", "3.4028236e38", "1e999999999"].flatMap {
            [
                Bad(.nonFinite, .json, "s", "{\"values\":[\($0)]}"),
                Bad(.nonFinite, .json, "s", "{\"values\":[[1],[\($0)]]}"),
            ]
        }
        bad += ["[]", "[[]]", "[[],[]]", "[1,2]", "[[1,2]]", "[[1],[1,2]]", "[[1,2],[1]]", "[[1],[]]"].map {
            Bad(.length, .json, "s", "{\"values\":\($0)}")
        }
        bad += ["[1]", "[[1],[2]]", "[1,2,3]", "[[1,2],[3]]"].map {
            Bad(.length, .json, "s", "{\"values\":\($0)}", features: 2)
        }
        bad += [
            Bad(.id, .json, "{\"values\":[1]}"),
            Bad(.id, .json, "s", "{\"stream\":\"t\",\"values\":[1]}"),
            Bad(.id, .json, "s", "{\"stream\":\"ss\",\"values\":[1]}"),
            Bad(.id, .json, "", "{\"stream\":\"s\",\"values\":[1]}"),
            Bad(.id, .json, "é", "{\"stream\":\"e\u{301}\",\"values\":[1]}"),
            Bad(.frames, .json, "s", "{\"values\":[1]}", ""),
            Bad(.frames, .json, frames: []),
            Bad(.json, .json, frames: [[0x73], [0xFF, 0xFE, 0x00]]),
            Bad(.json, .json, frames: [[0x73], Array("{\"val".utf8) + [0xC3] + Array("ues\":[1]}".utf8)]),
            Bad(.frames, .text, "s", "1"),
            Bad(.frames, .text, frames: []),
            Bad(.frames, .binary, "s"),
            Bad(.id, .text, ""),
            Bad(.id, .text, " \n"),
            Bad(.length, .text, "s"),
            Bad(.length, .text, "s "),
            Bad(.length, .text, "s 1 2"),
            Bad(.length, .text, "s 1", features: 2),
            Bad(.text, .text, frames: [[0x73, 0x20, 0x31, 0xFF]]),
        ]
        bad += ["x", "1,2", "1;", "0x10", "0X1p3", "1e", "--1", "1_000", "1\0", "½", "１", "1\u{A0}2", "[1]", "true"].map
        {
            Bad(.text, .text, "s \($0)")
        }
        bad += ["nan", "NaN", "-nan", "inf", "-inf", "+Infinity", "1e39", "-3.4028236e38"].map {
            Bad(.nonFinite, .text, "s \($0)")
        }
        return bad
    }()

    @Test(arguments: bad)
    func `a message that the codec does not allow is refused with its cause`(_ bad: Bad) {
        #expect(throws: bad.cause) { try read(bad.codec, bad.frames, features: bad.features) }
    }

    @Test func `a message that is truncated anywhere is refused`() {
        let whole = Array(
            #"{"stream":"\u00e9\ud83d\ude00","values":[[-0.5e-3,1],[2,3]],"sequence":71,"start":true,"end":false}"#.utf8
        )
        for count in whole.indices {
            #expect(throws: DropCause.json) { try read(.json, [Array(whole.prefix(count))], features: 2) }
        }
    }

    @Test func `random bytes are read or refused`() {
        let whole = Array(
            #"{"stream":"\u00e9\ud83d\ude00","values":[[-0.5e-3,1],[2,3]],"sequence":71,"start":true,"end":false}"#.utf8
        )
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<1_000 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: damaged.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: damaged[place] = .random(in: 0...255, using: &generator)
                case 1: damaged.remove(at: place)
                default: damaged.insert(whole.randomElement(using: &generator) ?? 0, at: place)
                }
            }
            for codec in [IngestCodec.json, .text] {
                guard let said = try? read(codec, [damaged], features: 2) else { continue }
                #expect(said.timesteps.joined().allSatisfy { $0.isFinite })
            }
        }
    }
}
