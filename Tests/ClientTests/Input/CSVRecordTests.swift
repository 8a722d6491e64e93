import Testing

@testable import Client

@Suite struct `A CSV record` {
    @Test(arguments: [
        ("a,b,c", ["a", "b", "c"]),
        ("a,b\r", ["a", "b"]),
        ("", [""]),
        (",", ["", ""]),
        ("a,", ["a", ""]),
        ("\"a\",b", ["a", "b"]),
        ("\"a,b\",c", ["a,b", "c"]),
        ("\"say \"\"x\"\"\",c", ["say \"x\"", "c"]),
        ("\"\",\"\"", ["", ""]),
        ("\"a\"\r", ["a"]),
        ("Zürich,日本", ["Zürich", "日本"]),
    ])
    func `a line is split at commas outside quotes`(_ line: String, _ fields: [String]) {
        #expect(Self.fields([line]) == fields)
    }

    @Test(
        arguments: [
            (["a,\"one", "", "three\",b\r"], ["a", "one\n\nthree", "b"]),
            (["\"a\r", "b\""], ["a\r\nb"]),
            (["a,\"one"], nil),
            (["\"a\"\""], nil),
        ] as [([String], [String]?)])
    func `a field in quotes continues over line ends`(_ lines: [String], _ fields: [String]?) {
        #expect(Self.fields(lines) == fields)
    }

    @Test func `a reused record keeps no fields of the previous one`() {
        var record = CSVRecord()
        _ = record.append(line: Array("a,\"b".utf8))
        record.removeAll()
        _ = record.append(line: Array("x".utf8))
        #expect(record.count == 1)
        #expect(record[0] == "x")
    }

    @Test(
        arguments: [
            ("0.1", 0.1), (" 0.1\t", 0.1), ("-1e-3", -0.001), ("7", 7), ("+7", 7), ("", nil), (" ", nil), ("abc", nil),
            ("1.5x", nil), ("nan", nil), ("inf", nil), ("-infinity", nil), ("1e39", nil), ("1,5", nil),
        ] as [(String, Float?)])
    func `a number must be finite and may be surrounded by blanks`(_ text: String, _ number: Float?) {
        var record = CSVRecord()
        _ = record.append(line: Array("\"\(text)\"".utf8))
        #expect(record.number(0) == number)
    }

    @Test(arguments: ["plain", "with,comma", "with \"quotes\"", "with\nline end", ""])
    func `a written field reads back as the same text`(_ field: String) {
        var line: [UInt8] = []
        CSVRecord.append(field: field, to: &line)
        let lines = String(decoding: line, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(Self.fields(lines.map(String.init)) == [field])
    }

    /// Returns the fields of the record that the lines form; nil if the record is incomplete.
    private static func fields(_ lines: [String]) -> [String]? {
        var record = CSVRecord()
        var isComplete = false
        for line in lines { isComplete = record.append(line: Array(line.utf8)) }
        return isComplete ? (0..<record.count).map { record[$0] } : nil
    }
}
