import Testing
import Wire

@testable import Client

@Suite struct `The newest rows` {
    private func row(_ stream: String, _ value: Float, _ flags: TimestepHeader.Flags = []) -> InputRow {
        InputRow(stream: stream, values: [value], flags: flags)
    }

    @Test func `a row is released by its stream's next row, and ends its sequence if that row starts a new one`() {
        var newest = NewestRows()
        var released: [InputRow] = []
        for row in [row("a", 1, .start), row("b", 2, .start), row("a", 3), row("b", 4, .start), row("a", 5, .start)] {
            newest.add(row, to: &released)
        }
        #expect(released == [row("a", 1, .start), row("b", 2, [.start, .end]), row("a", 3, .end)])
    }

    @Test(arguments: [true, false])
    func `the rows left at the end of the input are released in order, with the end flag on request`(areEnds: Bool) {
        var newest = NewestRows()
        var released: [InputRow] = []
        let streams = (0..<20).map { "s\($0)" }
        for stream in streams + ["s0"] { newest.add(row(stream, 1), to: &released) }
        released.removeAll()
        newest.release(areEnds: areEnds, to: &released)
        #expect(released == (streams.dropFirst() + ["s0"]).map { row($0, 1, areEnds ? .end : []) })
        newest.release(areEnds: areEnds, to: &released)
        #expect(released.count == 20)
    }

    @Test func `a row that ends its own sequence is not held back`() {
        var newest = NewestRows()
        var released: [InputRow] = []
        newest.add(row("a", 1, .start), to: &released)
        newest.add(row("a", 2, .end), to: &released)
        #expect(released == [row("a", 1, .start), row("a", 2, .end)])
        newest.release(areEnds: true, to: &released)
        #expect(released.count == 2)
    }
}
