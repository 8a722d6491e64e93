import Testing

@testable import Client

@Suite struct `Text for people` {
    @Test func `a table's columns are as wide as their widest cell`() {
        var table = TextTable([.init("NAME"), .init("N", .right), .init("NOTE")])
        table.append(["a", "1", ""])
        table.append(["Zürich", "12,345", "▁▂█"])
        table.append(["long name", "7", "x"])
        #expect(
            table.lines == [
                "NAME            N  NOTE",
                "a               1",
                "Zürich     12,345  ▁▂█",
                "long name       7  x",
            ])
    }

    @Test(
        arguments: [
            ([], ""), ([0], "▁"), ([1], "█"), ([0, 0.5, 1], "▁▅█"), ([-3, 7], "▁█"), ([.nan, 0.2], " ▂"),
            ([0, 1, 0, 1, 0], "▁█▁"), ([1, 1, 0, 0.5, 1, 0], "▅█▁"),
        ] as [([Float], String)])
    func `a sparkline has a bar for each of the last values`(_ values: [Float], _ text: String) {
        var sparkline = Sparkline(capacity: values.count > 4 ? 3 : 10)
        for value in values { sparkline.append(value) }
        #expect(sparkline.text == text)
    }

    @Test(
        arguments: [
            (0, "0"), (999, "999"), (1000, "1,000"), (12_696, "12,696"), (1_234_567, "1,234,567"), (-1000, "-1,000"),
        ] as [(Int, String)])
    func `counts have separators between thousands`(_ count: Int, _ text: String) {
        #expect(Quantity.count(count) == text)
    }

    @Test(
        arguments: [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (1_000_000, "1.0 MB")]
            as [(Int, String)])
    func `a number of bytes has the unit that keeps it short`(_ bytes: Int, _ text: String) {
        #expect(Quantity.bytes(bytes) == text)
    }

    @Test(
        arguments: [
            (0, "0.00 s"), (0.207, "0.21 s"), (4.32, "4.3 s"), (125, "2 min 5 s"), (11_228, "3 h 7 min"),
            (1_051_200, "12 d 4 h"), (-1, "-"),
        ] as [(Double, String)])
    func `a duration has its two largest units`(_ seconds: Double, _ text: String) {
        #expect(Quantity.duration(seconds) == text)
    }

    @Test(
        arguments: [
            (0.93, 4, "0.9300"), (1, 0, "1"), (0.00004, 4, "0.0000"), (-0.00004, 4, "0.0000"), (-1.25, 1, "-1.3"),
            (0.99999, 4, "1.0000"), (.nan, 4, "-"),
        ] as [(Double, Int, String)])
    func `a number has the requested digits after the point`(_ value: Double, _ digits: Int, _ text: String) {
        #expect(Quantity.fixed(value, digits: digits) == text)
    }

    @Test func `a time is written as a local ISO date`() {
        let text = Quantity.localTime(nanoseconds: 1_700_000_000_123_456_789)
        #expect(text.count == 19)
        #expect(text.hasPrefix("2023-11-1"))
        #expect(text.hasSuffix(":20"))
    }

    @Test func `progress is a bar if the total is known, and a count otherwise`() {
        func text(_ done: Int, of total: Int?, _ timesteps: UInt64, _ seconds: Double, columns: Int = 80) -> String {
            ProgressMeter.text(done: done, total: total, timesteps: timesteps, seconds: seconds, columns: columns)
        }
        let bar = String(repeating: "█", count: 15) + String(repeating: "░", count: 15)
        #expect(text(50, of: 100, 1000, 2) == "\(bar) 50 %  2.0 s left  1,000 timesteps, 500/s")
        #expect(text(10, of: 100, 1000, 60).contains("9 min 0 s left"))
        #expect(text(50, of: nil, 1, 0) == "1 timestep, 0/s")
        #expect(text(150, of: 100, 1, 1).contains("100 %"))
        #expect(text(50, of: 100, 1000, 2, columns: 54) == "██████░░░░░░ 50 %  2.0 s left  1,000 timesteps, 500/s")
        #expect(text(50, of: 100, 1000, 2, columns: 30).hasSuffix("░ 50 %  2.0 s left"))
        for columns in 1...80 {
            #expect(text(50, of: 100, 1_000_000, 2, columns: columns).count < columns)
            #expect(text(50, of: nil, 1_000_000, 2, columns: columns).count < columns)
        }
    }
}
