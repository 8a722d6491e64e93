import Testing

@testable import Client

@Suite struct CSVRecordTests {
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
    func `A line is split at the commas outside quotes`(_ line: String, _ fields: [String]) {
        var record = CSVRecord()
        #expect(record.append(line: Array(line.utf8)))
        #expect(Self.fields(record) == fields)
    }

    @Test func `A field in quotes goes on over line ends`() {
        var record = CSVRecord()
        #expect(!record.append(line: Array("a,\"one".utf8)))
        #expect(!record.append(line: Array("".utf8)))
        #expect(record.append(line: Array("three\",b\r".utf8)))
        #expect(Self.fields(record) == ["a", "one\n\nthree", "b"])
        record.removeAll()
        #expect(record.append(line: Array("x".utf8)))
        #expect(Self.fields(record) == ["x"])
    }

    @Test(
        arguments: [
            ("0.1", 0.1), (" 0.1\t", 0.1), ("-1e-3", -0.001), ("7", 7), ("+7", 7), ("", nil), (" ", nil), ("abc", nil),
            ("1.5x", nil), ("nan", nil), ("inf", nil), ("-infinity", nil), ("1e39", nil), ("1,5", nil),
        ] as [(String, Float?)])
    func `A number is finite, with blanks around it at most`(_ text: String, _ number: Float?) {
        var record = CSVRecord()
        #expect(record.append(line: Array("\"\(text)\"".utf8)))
        #expect(record.number(0) == number)
    }

    @Test(arguments: ["plain", "with,comma", "with \"quotes\"", "with\nline end", ""])
    func `A field that was written is read back as it was`(_ field: String) {
        var line: [UInt8] = []
        CSVRecord.append(field: field, to: &line)
        var record = CSVRecord()
        var isComplete = false
        for piece in line.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            isComplete = record.append(line: Array(piece))
        }
        #expect(isComplete)
        #expect(Self.fields(record) == [field])
    }

    private static func fields(_ record: CSVRecord) -> [String] {
        (0..<record.count).map { record[$0] }
    }
}
