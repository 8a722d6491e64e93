import Testing

@testable import Daemon

@Suite struct `Freed memory` {
    @Test func `is given back at first, and then when the process has grown by a thirty-second`() {
        var memory = FreedMemory()
        #expect(memory.hasGrown(to: 64_000_000))
        memory.wasGivenBack(leaving: 32_000_000)
        #expect(!memory.hasGrown(to: 33_000_000))
        #expect(memory.hasGrown(to: 33_000_001))
    }

    @Test func `is looked for again only past what giving back could not free`() {
        var memory = FreedMemory()
        memory.wasGivenBack(leaving: 32_000_000)
        #expect(memory.hasGrown(to: 64_000_000))
        memory.wasGivenBack(leaving: 64_000_000)
        #expect(!memory.hasGrown(to: 65_000_000))
    }

    @Test func `is measured from where the process has shrunk to by itself`() {
        var memory = FreedMemory()
        memory.wasGivenBack(leaving: 64_000_000)
        #expect(!memory.hasGrown(to: 32_000_000))
        #expect(memory.hasGrown(to: 34_000_000))
    }
}
