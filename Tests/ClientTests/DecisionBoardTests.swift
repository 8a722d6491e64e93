import Testing
import Wire

@testable import Client

@Suite struct `The board of decisions` {
    @Test func `the board has one row per stream, ordered by id while all fit`() {
        var board = DecisionBoard()
        for id in ["b", "a", "c"] { board.add(Self.decision(0.5, .changed), stream: id) }
        board.add(Self.decision(0.25, []), stream: "a")
        let lines = board.lines(title: "title", columns: 120, height: 24)
        #expect(lines.count == 5)
        #expect(lines[0] == "title")
        #expect(lines[2...].map { $0.prefix(1) } == ["a", "b", "c"])
        #expect(lines[2].contains("0.2500"))
        #expect(lines[2].hasSuffix("▅▃"))
        #expect(lines[3].contains("changed"))
        #expect(board.summary == "4 decisions on 3 streams")
    }

    @Test func `a replayed decision fills only an empty row and is not counted`() {
        var board = DecisionBoard()
        board.add(Self.decision(0.5, []), stream: "a")
        for id in ["a", "b"] { board.add(Self.decision(0.25, .replayed), stream: id) }
        let lines = board.lines(title: "title", columns: 120, height: 24)
        #expect(lines[2].hasPrefix("a") && lines[2].contains("0.5000") && !lines[2].contains("replayed"))
        #expect(lines[3].hasPrefix("b") && lines[3].contains("0.2500") && lines[3].contains("replayed"))
        #expect(board.summary == "1 decision on 2 streams")
    }

    @Test func `a board without room shows the streams whose label changed last, and counts the others`() {
        var board = DecisionBoard()
        for number in 0..<20 { board.add(Self.decision(0.5, .changed), stream: "s\(number)") }
        board.add(Self.decision(0.6, []), stream: "s3")
        board.add(Self.decision(0.6, .changed), stream: "s7")
        let lines = board.lines(title: "title", columns: 120, height: 6)
        #expect(lines.count == 6)
        #expect(lines[2...4].map { $0.prefix { $0 != " " } } == ["s7", "s19", "s18"])
        #expect(lines[5] == "… and 17 more streams")
    }

    @Test(arguments: [(1, 1), (10, 2), (40, 3), (80, 24)])
    func `the board fits any window`(_ columns: Int, _ height: Int) {
        var board = DecisionBoard(order: .recent)
        for number in 0..<50 {
            board.add(Self.decision(0.5, .changed), stream: "stream-\(number)-" + String(repeating: "x", count: 200))
        }
        let lines = board.lines(title: "a title that is longer than some windows", columns: columns, height: height)
        #expect(lines.count <= height)
        #expect(lines.allSatisfy { $0.count <= columns })
    }

    private static func decision(_ probability: Float, _ flags: Decision.Flags) -> Decision {
        Decision(sequence: 1, step: 1, time: 0, flags: flags, label: 0, probabilities: [probability])
    }
}
