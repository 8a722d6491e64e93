import Testing

@testable import Daemon

@Suite struct `Freed memory` {
    /// Feeds process sizes in bytes to ``FreedMemory``.
    ///
    /// - Parameters:
    ///   - left: The size after the first trim.
    ///   - sizes: The sizes that follow.
    /// - Returns: For each following size, whether the process has grown enough for a trim.
    private func growth(from left: Int, _ sizes: Int...) -> [Bool] {
        var memory = FreedMemory()
        memory.recordTrim(leaving: left)
        return sizes.map { memory.recordSize($0) }
    }

    @Test func `the first check returns freed memory to the system`() {
        var memory = FreedMemory()
        let hasGrown = memory.recordSize(1)
        #expect(hasGrown)
    }

    @Test func `freed memory is returned when the process has grown by more than 1/32`() {
        #expect(growth(from: 32_000_000, 32_000_000, 33_000_000, 33_000_001) == [false, false, true])
    }

    @Test func `growth is measured from the smallest size since the last trim`() {
        #expect(growth(from: 64_000_000, 32_000_000, 34_000_000) == [false, true])
    }
}
