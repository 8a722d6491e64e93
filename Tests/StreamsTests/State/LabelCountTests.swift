import Recurrent
import Streams
import Testing
import Wire

@Suite struct `The count of streams by label` {
    private func feed() throws -> Feed {
        Feed(
            served(try echo(), name: "one", ServingPolicy(prefixes: ["a"])),
            served(try echo(3), name: "three", ServingPolicy(prefixes: ["b"])))
    }

    /// Counts in slices.
    private func counts(of table: borrowing StreamTable, slots: Int) -> [[UInt64]] {
        var count = table.beginLabelCount()
        var result: [[UInt64]]?
        while result == nil { result = table.goOn(with: &count, slots: slots) }
        return result ?? []
    }

    @Test func `each stream counts once, with its last label, in slices of any size`() throws {
        let feed = try feed()
        #expect(counts(of: feed.table, slots: 1) == [[0, 0], [0, 0, 0]])
        for number in 0..<50 { try feed.send("a\(number)", [number % 5 == 0 ? 0.9 : 0.1]) }
        for number in 0..<10 { try feed.send("b\(number)", [0.1, 0.2, 0.7]) }
        try feed.send("a0", [0.1])
        try feed.send("b0", [0.8, 0.1, 0.1])
        for slots in [1, 7, 60, 1000] {
            #expect(counts(of: feed.table, slots: slots) == [[41, 9], [1, 0, 9]], "\(slots)")
        }
    }

    @Test func `a removed stream no longer counts`() throws {
        let feed = try feed()
        for id in ["a1", "a2"] { try feed.send(id, [0.9]) }
        _ = try feed.table.remove(.stream("a1"))
        #expect(counts(of: feed.table, slots: 10) == [[0, 1], [0, 0, 0]])
    }
}
