import Foundation
import Testing
import Wire

/// Tests that the reader of requests agrees with `JSONDecoder`.
@Suite struct `The JSON reader` {
    private func read(_ text: String, depth: Int = 32, values: Int = 100) throws(JSONProblem) -> JSONValue {
        try JSONValue.read(Array(text.utf8).span, depth: depth, values: values)
    }

    static let texts = [
        "null", "true", "false", "0", "-0", "7", "-7", "9223372036854775807", "-9223372036854775808",
        "9223372036854775808", "18446744073709551615", "18446744073709551616", "1.5", "-2.5e-3", "1E2", "10.0", "1e300",
        "0.1", #""""#, #""a""#, #""\"\\\/\b\f\n\r\t""#, #""\u00e9\ud83d\ude00""#, "\"é流😀\"", "[]", "{}", "[[],{}]",
        #"{"a":1,"b":[true,null,"x"],"":{"c":{}}}"#, " \t\r\n[ 1 , 2 ] \n", #"{ "a" : { "b" : [ ] } }"#,
    ]

    @Test(arguments: texts)
    func `valid JSON gives the same value as with JSONDecoder`(text: String) throws {
        #expect(try read(text) == json(text))
    }

    static let wrong = [
        "", " ", "{", "}", "[", "]", "[1", "[1,", "[1,]", "{,}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{a:1}"#, "01",
        "1.", ".5", "+1", "1e", "--1", "nul", "nulll", "tru", "NaN", "Infinity", "1e999", "'a'", #""a"#, #""\x""#,
        #""\ud800""#, #""\udc00\ud800""#, #""\u12""#, "\"\n\"", "1 2", "[] []", "[1 2]",
    ]

    @Test(arguments: wrong)
    func `text that is not JSON is refused`(text: String) {
        #expect(throws: JSONProblem.notJSON) { try read(text) }
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0xFF, 0xFE, 0x00]] {
            #expect(throws: JSONProblem.notJSON) { try JSONValue.read(bytes.span, depth: 1, values: 1) }
        }
    }

    @Test func `of two members with the same name, the last one counts`() throws {
        #expect(try read(#"{"a":1,"a":2}"#) == .object(["a": .integer(2)]))
    }

    @Test func `arrays and objects nest up to the limit and no deeper`() throws {
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            let text = { (depth: Int) in
                String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
            }
            #expect(try read(text(5), depth: 5) == json(text(5)))
            #expect(throws: JSONProblem.tooDeep) { try read(text(6), depth: 5) }
        }
        // Text that never closes its arrays must fail at the limit, without a stack overflow.
        #expect(throws: JSONProblem.tooDeep) { try read(String(repeating: "[", count: 1_000_000)) }
    }

    @Test func `text may have values up to the limit and no more`() throws {
        #expect(try read("[1,[2],{\"a\":3}]", values: 6) == json("[1,[2],{\"a\":3}]"))
        #expect(throws: JSONProblem.tooManyValues) { try read("[1,[2],{\"a\":3}]", values: 5) }
        #expect(throws: JSONProblem.tooManyValues) { try read("[" + String(repeating: "[],", count: 1000) + "1]") }
    }
}
