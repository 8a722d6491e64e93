import Testing
import Wire

@testable import Client

private let start = ContinuousClock.now

private func decision(_ probability: Float, _ flags: Decision.Flags = [], label: UInt8 = 0) -> Decision {
    Decision(sequence: 12_696, step: 240, time: 0, flags: flags, label: label, probabilities: [probability])
}

extension DecisionBoard {
    fileprivate mutating func add(_ decision: Decision, stream: String) { add(decision, stream: stream, at: start) }

    fileprivate func texts(
        _ columns: Int, _ height: Int, view: BoardView = BoardView(), after seconds: Double = 0,
        header: BoardHeader = BoardHeader(title: "title", clock: "12:00:00", rate: 7)
    ) -> [String] {
        lines(header: header, view: view, columns: columns, height: height, at: start + .seconds(seconds)).map(\.text)
    }
}

@Suite struct `The board of decisions` {
    @Test func `the board has one row per stream, ordered by id while all fit`() {
        var board = DecisionBoard()
        for id in ["b", "a", "c"] { board.add(decision(0.5, .changed), stream: id) }
        board.add(decision(0.25), stream: "a")
        let lines = board.texts(120, 24)
        #expect(lines.count == 7)
        #expect(lines[0].hasPrefix("title ") && lines[0].hasSuffix(" 12:00:00"))
        #expect(lines[1] == "connected  7 decisions/s  3 streams")
        #expect(lines[3...5].map { $0.prefix(1) } == ["a", "b", "c"])
        #expect(lines[3].contains("0.2500"))
        #expect(lines[3].hasSuffix("▅▃"))
        #expect(lines[4].contains("changed"))
        #expect(board.summary == "4 decisions on 3 streams")
    }

    @Test func `a replayed decision fills only an empty row and is not counted`() {
        var board = DecisionBoard()
        board.add(decision(0.5), stream: "a")
        for id in ["a", "b"] { board.add(decision(0.25, .replayed), stream: id) }
        let lines = board.texts(120, 24)
        #expect(lines[3].hasPrefix("a") && lines[3].contains("0.5000") && !lines[3].contains("replayed"))
        #expect(lines[4].hasPrefix("b") && lines[4].contains("0.2500") && lines[4].contains("replayed"))
        #expect(board.summary == "1 decision on 2 streams")
    }

    @Test func `a stream with a history begins with the bars of its last decisions`() {
        var board = DecisionBoard()
        let status = StreamStatus(
            stream: "a", model: "m", sequence: 12_695, step: 239, probability: .one(1), label: 1, idleSeconds: 3,
            paused: false)
        var history = StreamHistory(status, threshold: 0.5)
        (history.times, history.probabilities) = ([1, 2, 3], [0, nil, 1])
        board.add(history, at: start)
        board.add(StreamHistory(status, threshold: 0.5), at: start)
        #expect(board.texts(120, 24)[3].hasSuffix("▁ █"))
        #expect(board.texts(120, 24)[3].contains("12695  replayed"))
        // The history already contains the first of these decisions, so only the second one adds a bar.
        for sequence: UInt64 in 12_695...12_696 {
            board.add(
                Decision(sequence: sequence, step: 240, time: 0, flags: [], label: 0, probabilities: [0.5]), stream: "a"
            )
        }
        #expect(board.texts(120, 24)[3].hasSuffix("▁ █▅"))
        #expect(board.summary == "2 decisions on 1 stream")
    }

    @Test func `a full board shows the streams whose label changed most recently, and counts the others`() {
        var board = DecisionBoard()
        for number in 0..<20 { board.add(decision(0.5, .changed), stream: "s\(number)") }
        board.add(decision(0.6), stream: "s3")
        board.add(decision(0.6, .changed), stream: "s7")
        let lines = board.texts(120, 7)
        #expect(lines.count == 7)
        #expect(lines[3...5].map { $0.prefix { $0 != " " } } == ["s7", "s19", "s18"])
        #expect(lines[6].hasPrefix("… and 17 more streams"))
    }

    @Test(arguments: [(1, 1), (10, 2), (40, 3), (80, 24)])
    func `the board fits any window`(_ columns: Int, _ height: Int) {
        var board = DecisionBoard()
        for number in 0..<50 {
            board.add(decision(0.5, .changed), stream: "stream-\(number)-" + String(repeating: "x", count: 200))
        }
        let header = BoardHeader(
            title: "a title that is longer than some windows", clock: "12:00:00", rate: 1e6, lostSeconds: 3,
            notice: "a notice that is longer than some windows")
        let lines = board.texts(columns, height, header: header)
        #expect(lines.count <= height)
        #expect(lines.allSatisfy { $0.count <= columns })
    }
}

/// Tests the screens for 40 streams with long ids.
@Suite struct `The board in narrow windows` {
    private static let ids = (0..<40).map {
        "site-berlin-hall-07/press-line-\($0 < 10 ? "0" : "")\($0)/motor-\($0 % 4)"
    }

    private static let board = {
        var board = DecisionBoard()
        for (index, id) in ids.enumerated() {
            for step in 0..<40 { board.add(decision(Float(step) / 40, label: UInt8(index % 2)), stream: id) }
        }
        return board
    }()

    private func screen(_ columns: Int, height: Int = 45) -> [String] {
        Self.board.texts(columns, height, after: 75)
    }

    @Test func `at 80 columns, ids are whole and the sparkline is short`() {
        let lines = screen(80)
        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(lines[2] == "STREAM                                       PROB  LABEL    AGE  STEP  LAST")
        #expect(lines[3] == "site-berlin-hall-07/press-line-00/motor-0  0.9750      0  1 min   240  ▆▇▇▇▇▇▇██")
        #expect(zip(Self.ids, lines[3...]).allSatisfy { $1.hasPrefix($0 + " ") })
    }

    @Test func `at 60 columns, the sparkline and the step drop out and ids are cut in the middle`() {
        let lines = screen(60)
        #expect(lines.allSatisfy { $0.count <= 60 })
        #expect(lines[2] == "STREAM                                    PROB  LABEL    AGE")
        #expect(lines[3].hasPrefix("site-berlin-hall-07"))
        #expect(Set(lines[3..<43]).count == 40, "different rows stay different")
    }

    @Test func `at 40 columns, id, probability and label remain`() {
        let lines = screen(40)
        #expect(lines.allSatisfy { $0.count <= 40 })
        #expect(lines[2] == "STREAM                       PROB  LABEL")
        #expect(lines[3].hasPrefix("site-berlin-…e-00"))
        #expect(lines[3].hasSuffix("/motor-0  0.9750      0"))
        #expect(Set(lines[3..<43]).count == 40, "different rows stay different")
        #expect(lines[1] == "connected  7 decisions/s  40 streams")
        #expect(Set(Self.board.texts(40, 45, after: 3)[3..<43]).count == 40, "with short ages too")
    }

    @Test func `the sparkline shrinks before a column drops out`() {
        let wide = screen(140)[3]
        let less = screen(105)[3]
        #expect(wide.count { "▁▂▃▄▅▆▇█".contains($0) } == 30)
        #expect((6..<30).contains(less.count { "▁▂▃▄▅▆▇█".contains($0) }))
        #expect(screen(140)[2].split(separator: " ") == screen(105)[2].split(separator: " "))
    }
}

@Suite struct `The view of the board` {
    private func view(_ keys: [TerminalKey], count: Int = 100) -> BoardView {
        var view = BoardView()
        for key in keys { view.press(key, page: 10, count: count) }
        return view
    }

    @Test func `the navigation keys scroll within the list of streams`() {
        #expect(view([.up]).offset == 0)
        #expect(view([.down, .down, .up]).offset == 1)
        #expect(view([.pageDown, .pageDown]).offset == 20)
        #expect(view([.end]).offset == 90)
        #expect(view([.end, .home]).offset == 0)
        #expect(view([.down], count: 5).offset == 0)
    }

    @Test func `a slash starts a filter on ids, and Enter or Escape ends the input`() {
        let typed = view([.character("/"), .character("q"), .character("p"), .backspace])
        #expect(typed.filter == "q" && typed.isTyping && !typed.isOver)
        #expect(view([.character("/"), .character("q"), .enter, .character("q")]).isOver)
        #expect(view([.character("/"), .character("q"), .escape]).filter == "")
        var board = DecisionBoard()
        for id in ["hall-1/a", "hall-2/a", "hall-2/b"] { board.add(decision(0.5), stream: id) }
        let filtered = view("/2/".map { .character($0) } + [.enter])
        #expect(board.count(in: filtered) == 2)
        let lines = board.texts(80, 24, view: filtered)
        #expect(lines[1].hasSuffix("filter: 2/"))
        #expect(lines[3...4].map { $0.prefix(8) } == ["hall-2/a", "hall-2/b"])
    }

    @Test func `the key s changes the order, p pauses and q quits`() {
        #expect(view([.character("s"), .character("s")]).order == .recent)
        #expect(view(Array(repeating: .character("s"), count: 4)).order == .auto)
        #expect(view([.character("p")]).isPaused && !view([.character("p"), .character("p")]).isPaused)
        #expect(view([.character("q")]).isOver)
    }

    @Test func `keys are read from the bytes of a terminal`() {
        let bytes = Array("q/é\u{1B}[A\u{1B}[B\u{1B}[5~\u{1B}OH\u{1B}[1;5C\u{1B}\r\u{7F}\u{1}".utf8)
        #expect(
            TerminalKey.keys(in: bytes) == [
                .character("q"), .character("/"), .character("é"), .up, .down, .pageUp, .home, .escape, .enter,
                .backspace,
            ])
    }
}

@Suite struct `The header of the board` {
    @Test func `the header shows how long the daemon has been away`() {
        let header = BoardHeader(title: "t", clock: "12:00:00", rate: 0, lostSeconds: 3.2, notice: "lost it")
        let lines = header.lines(streams: 2, view: BoardView(), columns: 40)
        #expect(lines[1].text == "disconnected for 3 s  0 decisions/s  2 streams".prefix(40))
        #expect(lines[1].rendered(hasColours: true).hasPrefix("\u{1B}[31mdisconnected for 3 s\u{1B}[0m"))
        #expect(lines[1].rendered(hasColours: false) == lines[1].text)
        #expect(lines[2].text == "lost it")
    }

    @Test func `the rate is a mean over the last few seconds`() {
        var rate = DecisionRate()
        #expect(rate.sample(0, at: start) == 0)
        #expect(rate.sample(100, at: start + .seconds(1)) == 100)
        _ = rate.sample(100, at: start + .seconds(2))
        #expect(rate.sample(100, at: start + .seconds(10)) == 0)
    }

    @Test(
        arguments: [
            ([:], true), (["NO_COLOR": ""], true), (["NO_COLOR": "1"], false), (["TERM": "dumb"], false),
            (["TERM": "xterm"], true),
        ] as [([String: String], Bool)])
    func `NO_COLOR and a dumb terminal switch colours off`(environment: [String: String], areAllowed: Bool) {
        #expect(StyledLine.areColoursAllowed(in: environment) == areAllowed)
    }

    @Test func `a row is faint after ten seconds without a decision`() {
        var board = DecisionBoard()
        board.add(decision(0.5), stream: "a")
        let header = BoardHeader(title: "t", clock: "12:00:00", rate: 0)
        let row = board.lines(header: header, view: BoardView(), columns: 80, height: 9, at: start + .seconds(11))[3]
        #expect(row.rendered(hasColours: true).hasPrefix("\u{1B}[2ma"))
    }
}
