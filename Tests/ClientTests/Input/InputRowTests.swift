import Foundation
import Testing

@testable import Client

@Suite struct `An input row` {
    @Test func `CSV rows give their values in the requested order`() throws {
        let text = "id,b,a,note\ns1,1,2,x\r\n\ns2,3,4,\"y,\nz\"\n"
        let layout = try RowLayout(streamColumn: "id", valueColumns: ["a", "b"])
        #expect(
            try read(text, layout) == [
                InputRow(stream: "s1", values: [2, 1]), InputRow(stream: "s2", values: [4, 3]),
            ])
    }

    @Test func `without named columns, all columns except those of stream and sequence are values`() throws {
        let text = "\u{FEFF}x,trip,id,y\n1,7,s1,2\n"
        let layout = try RowLayout(streamColumn: "id", sequenceColumn: "trip")
        var row = InputRow(stream: "s1", values: [1, 2], flags: .start)
        row.sequenceName = "7"
        #expect(try read(text, layout) == [row])
    }

    @Test func `columns named like answers or labels are values only if they are requested`() throws {
        let text = "stream,step,x0,probability,probability12,label,probable\ns1,1,5,0.5,0.5,1,6\n"
        #expect(try read(text, RowLayout()) == [InputRow(stream: "s1", values: [5, 6])])
        let layout = try RowLayout(stream: "s", valueColumns: ["label", "step"])
        #expect(try read(text, layout) == [InputRow(stream: "s", values: [1, 1])])
        let json = "{\"stream\":\"s\",\"values\":[5],\"step\":1,\"label\":\"a\",\"probability\":0.5}"
        #expect(try read(json, RowLayout()) == [InputRow(stream: "s", values: [5])])
    }

    @Test func `labels are read on request, and may be missing if they are optional`() throws {
        let csv = "stream,x,label\ns,1,0\ns,2,\n"
        let json = "{\"stream\":\"s\",\"values\":[1],\"label\":0}\n{\"stream\":\"s\",\"values\":[2]}"
        let optional = try RowLayout(label: .init("label", isRequired: false))
        let required = try RowLayout(label: .init("class", isRequired: true))
        for text in [csv, json] {
            #expect(try read(text, optional).map(\.label) == [0, nil])
            #expect(throws: ClientError.self) { try read(text, required) }
        }
        #expect(try read("stream,x\ns,1\n", optional).map(\.label) == [nil])
    }

    @Test func `with an alphabet, each row is a sequence that is named by its stream or its number`() throws {
        let layout = try RowLayout(
            label: .init("label", isRequired: false), alphabet: try Alphabet("ACGT", firstToken: 1))
        func sequence(_ stream: String, _ values: [Float], label: Float) -> InputRow {
            var row = InputRow(stream: stream, values: values, timesteps: values.count, flags: [.start, .end])
            row.label = label
            return row
        }
        let numbered = try read("sequence,label\nGA,1\n\nT,0\n", layout)
        #expect(numbered == [sequence("1", [3, 1], label: 1), sequence("2", [4], label: 0)])
        #expect(
            try read("label,sequence,stream\n1,GA,s\n", layout) == [sequence("s", [3, 1], label: 1)])
    }

    @Test func `an alphabet needs exactly one CSV column`() throws {
        let alphabet = try Alphabet("ACGT", firstToken: 1)
        #expect(throws: ClientError.self) { try RowLayout(valueColumns: ["a", "b"], alphabet: alphabet) }
        #expect(throws: ClientError.self) { try RowLayout(sequenceColumn: "a", alphabet: alphabet) }
        let layout = try RowLayout(alphabet: alphabet)
        #expect(throws: ClientError.self) { try read("{\"stream\":\"s\",\"values\":[1]}", layout) }
        try expectDataError("file:1: there is no column 'sequence'") { try read("stream,x\ns,A\n", layout) }
    }

    @Test func `a sequence starts at a stream's first row and whenever the stream's sequence column changes`() throws {
        let rows = [("a", "1"), ("a", "1"), ("b", "1"), ("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"), ("a", "1")]
        let starts = [true, false, true, false, true, false, true, true]
        let csv = "id,trip,v\n" + rows.map { "\($0.0),\($0.1),0\n" }.joined()
        let json = rows.map { "{\"stream\":\"\($0.0)\",\"values\":[0],\"trip\":\($0.1)}\n" }.joined()
        let layout = try RowLayout(streamColumn: "id", sequenceColumn: "trip")
        let jsonLayout = try RowLayout(sequenceColumn: "trip")
        for rows in [try read(csv, layout), try read(json, jsonLayout)] {
            #expect(rows.map { $0.flags.contains(.start) } == starts)
            #expect(!rows.contains { $0.flags.contains(.end) })
        }
    }

    @Test func `without a header, columns are named by their numbers`() throws {
        let layout = try RowLayout(streamColumn: "1", sequenceColumn: "4", hasHeader: false)
        let expected = [
            InputRow(stream: "s1", values: [1, 2], flags: .start), InputRow(stream: "s1", values: [3, 4]),
        ]
        #expect(try read("s1,1,2,7\ns1,3,4,7\n", layout).map(\.bare) == expected)
        #expect(
            try read("0.5\n1\n", RowLayout(stream: "s", hasHeader: false)) == [
                InputRow(stream: "s", values: [0.5]), InputRow(stream: "s", values: [1]),
            ])
        try expectDataError("file:2: 1 field where the first row has 2") {
            try read("1,2\n3\n", RowLayout(stream: "s", hasHeader: false))
        }
    }

    @Test(arguments: [",", ";", "\t"])
    func `commas, semicolons and tabs separate fields, and blanks around ids are ignored`(_ separator: String) throws {
        let lines = [["id", "trip", "a b", "\"c,;\t,;\t\""], [" s1 ", "1", " 1", "2"], ["s1", " 1 ", "3 ", "4"]]
        let text = lines.map { $0.joined(separator: separator) + "\n" }.joined()
        let layout = try RowLayout(streamColumn: "id", sequenceColumn: "trip")
        #expect(
            try read(text, layout).map(\.bare) == [
                InputRow(stream: "s1", values: [1, 2], flags: .start), InputRow(stream: "s1", values: [3, 4]),
            ])
        #expect(try read(#"{"stream":" s1 ","values":[1]}"#, RowLayout()).map(\.stream) == ["s1"])
    }

    @Test func `a header that a rotated file repeats is skipped`() throws {
        let text = "\u{FEFF}id,v\ns,1\n\u{FEFF}id,v\r\ns,2\nid, v\n"
        #expect(try read(text, RowLayout(streamColumn: "id")).map(\.values) == [[1], [2]])
    }

    @Test func `invalid rows are skipped and counted on request, and a skipped start moves to the next row`() throws {
        let layout = try RowLayout(stream: "s", sequenceColumn: "trip", skipsBadRows: true)
        var source = try RowSource(file("trip,v\n1,1\n1,x\n2,9\n2,2\n3\n3,3\n"), layout: layout)
        var rows: [InputRow] = []
        let check = { (row: inout InputRow, place: String) throws(ClientError) in
            if row.values == [9] { throw ClientError(.data, "\(place): nine") }
        }
        while let row = try source.next(check: check) { rows.append(row.bare) }
        #expect(
            rows == [1, 2, 3].map { InputRow(stream: "s", values: [$0], flags: .start) })
        #expect(
            "\(source.badRows)" == "3 wrong rows skipped, the first: file:3: 'x' in column 'v' is not a finite number")
    }

    @Test func `JSON lines are read in the protocol's form`() throws {
        let text = """

            {"stream":"s1","values":[0.1]}
            {"stream":"s1","values":[[0.5,1],[0.25,2]],"sequence":7,"start":true,"end":false}
            {"values":[1,2],"stream":"s2","end":true}
            """
        #expect(
            try read(text, RowLayout()) == [
                InputRow(stream: "s1", values: [0.1]),
                InputRow(stream: "s1", values: [0.5, 1, 0.25, 2], timesteps: 2, sequence: 7, flags: .start),
                InputRow(stream: "s2", values: [1, 2], flags: .end),
            ])
    }

    @Test func `JSON members can be selected by name like columns`() throws {
        let layout = try RowLayout(streamColumn: "meter", valueColumns: ["b", "a"])
        let text = "{\"meter\":\"m\",\"a\":1,\"b\":2.5,\"c\":\"ignored\"}"
        #expect(try read(text, layout) == [InputRow(stream: "m", values: [2.5, 1])])
    }

    @Test(arguments: [
        ("id,v\ns,1\ns,abc\n", "file:3: 'abc' in column 'v' is not a finite number"),
        ("id,v\ns,nan\n", "file:2: 'nan' in column 'v' is not a finite number"),
        ("id,v\ns,1,2\n", "file:2: 3 fields where the header has 2"),
        ("id,v\n\ns\n", "file:3: 1 field where the header has 2"),
        ("id,w\ns,1\n", "file:1: there is no column 'v'; there are id, w"),
        ("id,v,v\ns,1,1\n", "file:1: two columns are named 'v'"),
        ("id,v\ns,\"1\n", "file:2: a quoted field does not end"),
        ("id,v\n,1\n", "file:2: '' is not a stream id"),
        ("1,2\n3,4\n", "file:1: a header is missing: all names are numbers, such as '1'. Give --no-header"),
        ("id;v\ns;0,5\n", "file:2: '0,5' in column 'v' is not a finite number; write decimals with a point"),
        ("i\0d\0", "file: this is UTF-16 or binary data, not UTF-8; convert UTF-16 with iconv"),
        ("id,v\n!sluice/x,1\n", "file:2: '!sluice/x' is not a stream id"),
    ])
    func `an error in a CSV row names the file and the line`(_ text: String, _ message: String) throws {
        let layout = try RowLayout(streamColumn: "id", valueColumns: ["v"])
        try expectDataError(message) { try read(text, layout) }
    }

    @Test(arguments: [
        ("{\"stream\":\"s\",\"values\":[1]}\n{\"stream\":\"s\"}", "file:2: the member 'values' is missing"),
        ("{\"values\":[1]}", "file:1: the member 'stream' is missing"),
        ("{\"stream\":\"s\",\"values\":[\"x\"]}", "file:1: 'values[0]'"),
        ("{\"stream\":\"s\",\"values\":[1e99]}", "file:1: a number too large for float32"),
        ("{\"stream\":\"s\",\"values\":[]}", "file:1: 'values': no values"),
        ("{\"stream\":\"s\",\"values\":[[1],[1,2]]}", "file:1: 'values': timesteps of different lengths"),
        ("{\"stream\":\"s\",\"values\":[1],\"sequnce\":1}", "file:1: 'sequnce': not a known member"),
        ("{\"stream\":\"s\",\"values\":[1],\"sequence\":-1}", "file:1: "),
        ("{\"stream\":\"s\",\"values\":[1]", "file:1: not a JSON object"),
        ("{\"stream\":\"s\",\"values\":[1]}\n7", "file:2: "),
    ])
    func `an error in a JSON line names the file and the line`(_ text: String, _ message: String) throws {
        try expectDataError(message) { try read(text, RowLayout()) }
    }

    @Test func `a stream id that is not UTF-8 is refused instead of repaired`() throws {
        let bytes = Array("id,v\na,1\n".utf8) + [0xFF] + Array(",2\n".utf8)
        var source = try RowSource(InputFile(bytes: bytes), layout: RowLayout(streamColumn: "id"))
        #expect(try source.next()?.stream == "a")
        let error = #expect(throws: ClientError.self) { try source.next() }
        #expect(error?.message == "file:3: the stream id '\u{FFFD}' is not UTF-8")
    }

    @Test func `the rows before an invalid row are returned`() throws {
        var source = try RowSource(file("v\n1\n2\nx\n"), layout: RowLayout(stream: "s"))
        let good = [try source.next(), try source.next()]
        #expect(good.map { $0?.values } == [[1], [2]])
        #expect(throws: ClientError.self) { try source.next() }
    }

    @Test func `an empty file has no rows`() throws {
        #expect(try read("", RowLayout(stream: "s")).isEmpty)
        #expect(try read("\n \n", RowLayout(stream: "s")).isEmpty)
        #expect(try read("v\n", RowLayout(stream: "s")).isEmpty)
    }

    @Test func `rows are joined into a message only if they are consecutive`() {
        let one = InputRow(stream: "s", values: [1])
        let cases: [(first: InputRow, next: InputRow, joins: Bool)] = [
            (one, InputRow(stream: "s", values: [2]), true),
            (one, InputRow(stream: "t", values: [2]), false),
            (one, InputRow(stream: "s", values: [2], flags: .start), false),
            (one, InputRow(stream: "s", values: [2], flags: .end), true),
            (InputRow(stream: "s", values: [1], flags: .start), InputRow(stream: "s", values: [2]), true),
            (InputRow(stream: "s", values: [1], flags: .end), InputRow(stream: "s", values: [2]), false),
            (one, InputRow(stream: "s", values: [2], sequence: 2), false),
            (InputRow(stream: "s", values: [1], sequence: 4), InputRow(stream: "s", values: [2], sequence: 5), true),
            (InputRow(stream: "s", values: [1], sequence: 4), InputRow(stream: "s", values: [2], sequence: 6), false),
            (one, InputRow(stream: "s", values: [2, 3, 4], timesteps: 3), false),
        ]
        for (first, next, joins) in cases {
            var message = first
            let isJoined = message.join(next, limit: 3)
            #expect(isJoined == joins, "\(first) and \(next)")
            #expect(message.values == (joins ? first.values + next.values : first.values))
            #expect(message.flags == (joins ? first.flags.union(next.flags) : first.flags))
        }
    }

    private func expectDataError(_ message: String, _ body: () throws -> some Any) throws {
        #expect {
            try body()
        } throws: { error in
            let isExpected = (error as? ClientError)?.status == .data && "\(error)".hasPrefix(message)
            if !isExpected { Issue.record("\(error)") }
            return isExpected
        }
    }

    private func read(_ text: String, _ layout: RowLayout) throws -> [InputRow] { try file(text).rows(layout) }

    private func file(_ text: String) throws -> InputFile { try InputFile(bytes: text.utf8) }
}

extension InputRow {
    /// The row without the name of its sequence.
    fileprivate var bare: InputRow {
        var row = self
        row.sequenceName = nil
        return row
    }
}
