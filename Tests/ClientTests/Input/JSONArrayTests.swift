import Foundation
import Testing

@testable import Client

@Suite struct `A JSON array of rows` {
    private func read(_ text: String, _ layout: RowLayout) throws -> [InputRow] {
        try InputFile(bytes: text.utf8).rows(layout)
    }

    @Test func `objects are rows as in JSON lines, on one line or many`() throws {
        let objects = [
            #"{"stream":"a, ]","values":[0.5],"sequence":7}"#, #"{"stream":"b\"}","values":[[1],[2]],"end":true}"#,
        ]
        let expected = try read(objects.joined(separator: "\n"), RowLayout())
        #expect(expected.map(\.stream) == ["a, ]", "b\"}"])
        for text in ["[\(objects[0]),\(objects[1])]", "\u{FEFF}\n [ \(objects[0])\n,\r\n\t\(objects[1]) ]\n"] {
            #expect(try read(text, RowLayout()) == expected)
        }
        #expect(try read("[]", RowLayout()).isEmpty)
    }

    @Test func `numbers and arrays are rows of the given stream`() throws {
        let layout = try RowLayout(stream: "s")
        #expect(try read("[1, 2.5,-3e1]", layout).map(\.values) == [[1], [2.5], [-30]])
        #expect(try read("[[1,2],[3,4]]", layout).map(\.values) == [[1, 2], [3, 4]])
        #expect(try read("[[1,2],[3,4]]", layout).map(\.flags) == [[], []])
        let sequences = try read("[[[1],[2]],[[3],[4]]]", layout)
        #expect(sequences.map(\.timesteps) == [2, 2] && sequences.allSatisfy { $0.flags == [.start, .end] })
        #expect(try read("[1,2]\n[3,4]\n", RowLayout(format: .jsonl, stream: "s")).map(\.values) == [[1, 2], [3, 4]])
    }

    @Test(arguments: [
        (#"[{"stream":"s","values":[1]},\#n{"stream":"s"}]"#, "file:2 (element 2): the member 'values' is missing"),
        ("[1, x, 3]", "file:1 (element 2): not a JSON row"),
        ("[1, [], 3]", "file:1 (element 2): no values"),
        ("[[1], [[1],[1,2]]]", "file:1 (element 2): timesteps of different lengths"),
        ("[1, 1e99]", "file:1 (element 2): a number too large for float32"),
        ("[1, \"2\"]", "file:1 (element 2): "),
        ("[1, 2", "file:1: the JSON array is damaged: it ends too early, so that ']' is missing"),
        ("[[1], [2", "file:1: the JSON array is damaged: it ends too early"),
        ("[", "file:1: the JSON array is damaged: it ends too early"),
        ("[1,]", "file:1: the JSON array is damaged: a comma stands before the end"),
        ("[1,,2]", "file:1: the JSON array is damaged: element 2 is missing"),
        ("[[1] [2]]", "file:1: the JSON array is damaged: a comma is missing after element 1"),
        ("[1,2]\n[3,4]", "file:2: the JSON array is damaged: other data follows it; give --format jsonl"),
    ])
    func `an error names the line and the element`(text: String, message: String) throws {
        let error = #expect(throws: ClientError.self) { try read(text, RowLayout(stream: "s")) }
        #expect(error?.status == .data)
        #expect(error?.message.hasPrefix(message) == true, "\(String(describing: error))")
    }

    @Test func `a row without names needs a stream, and is refused if an option names a member`() throws {
        let error = #expect(throws: ClientError.self) { try read("[1]", RowLayout()) }
        #expect(error?.message == "file:1 (element 1): a row without names needs --stream ID")
        let other = #expect(throws: ClientError.self) { try read("[1]", RowLayout(stream: "s", sequenceColumn: "t")) }
        #expect(other?.message.hasSuffix("a row without names, but the options name the member 't'") == true)
    }

    @Test func `invalid elements are skipped on request, but damage ends the array`() throws {
        let layout = try RowLayout(stream: "s", skipsBadRows: true)
        #expect(try read("[1, x, [], {}, 3]", layout).map(\.values) == [[1], [3]])
        #expect(throws: ClientError.self) { try read("[1, x, 2", layout) }
    }

    @Test func `an element is available as soon as its end is written`() throws {
        let pipe = Pipe()
        let file = InputFile(descriptor: dup(pipe.fileHandleForReading.fileDescriptor), name: "pipe")
        func write(_ text: String) throws { try pipe.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }
        try write("[\n[1],\n[2]\n,")
        var source = try RowSource(file, layout: RowLayout(stream: "s"))
        #expect(try source.next()?.values == [1])
        #expect(!source.wouldWait, "the second element has been read already")
        #expect(try source.next()?.values == [2])
        #expect(source.wouldWait, "the third has not come")
        try write("[3]")
        #expect(!source.wouldWait)
        #expect(try source.next()?.values == [3])
        try write("]")
        try pipe.fileHandleForWriting.close()
        #expect(try source.next() == nil)
    }
}
