import Testing

@testable import Daemon

@Suite struct `The queue of last values` {
    private static let second: Int64 = 1_000_000_000

    private func prefixes(_ values: LastValues) -> [[UInt8]] {
        var (values, found) = (values, [[UInt8]]())
        while let (prefix, _) = values.current {
            found.append(prefix)
            values.advance(to: nil, hasStalled: false, at: 0)
        }
        return found
    }

    @Test func `the queue is empty if the option is off`() {
        var off = LastValues(isOn: false)
        off.add(Array("a".utf8))
        #expect(!off.areWaiting && off.millisecondsUntilDue(at: 0) == nil)
    }

    @Test func `the queue serves each topic once, in the order of subscription`() {
        var values = LastValues(isOn: true)
        for topic in ["b", "a", "b"] { values.add(Array(topic.utf8)) }
        #expect(prefixes(values) == [Array("b".utf8), Array("a".utf8)])
        #expect(values.millisecondsUntilDue(at: 0) == 0)
        // A new subscriber cannot join a pass that has begun.
        values.advance(to: 7, hasStalled: false, at: 0)
        values.add(Array("b".utf8))
        #expect(prefixes(values) == [Array("b".utf8), Array("a".utf8), Array("b".utf8)])
        #expect(values.current?.slot == 7)
    }

    @Test func `many waiting topics become one pass over all streams`() {
        var values = LastValues(isOn: true)
        for topic in 0..<100 { values.add(Array("\(topic)".utf8)) }
        #expect(prefixes(values).count == 100)
        values.add(Array("one more".utf8))
        #expect(prefixes(values) == [[]])
    }

    @Test func `the queue waits at most one second per pass for subscribers whose queues are full`() {
        var values = LastValues(isOn: true)
        values.add([])
        values.advance(to: 3, hasStalled: true, at: 10)
        #expect(values.isPatient(at: 10 + Self.second - 1))
        #expect(values.millisecondsUntilDue(at: 10) == 1)
        values.advance(to: 3, hasStalled: true, at: 10 + Self.second / 2)
        #expect(!values.isPatient(at: 10 + Self.second))
        #expect(values.millisecondsUntilDue(at: 10 + Self.second) == 0)
        values.advance(to: 4, hasStalled: false, at: 10 + Self.second)
        #expect(!values.isPatient(at: 10 + Self.second))
        values.advance(to: nil, hasStalled: false, at: 10 + Self.second)
        #expect(values.isPatient(at: 10 + Self.second))
    }
}
