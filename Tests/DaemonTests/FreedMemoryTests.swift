import Testing

@testable import Daemon

@Suite struct `Freed memory` {
    /// Takes a process's sizes one after another.
    ///
    /// - Parameters:
    ///   - left: What giving back left at first.
    ///   - sizes: What it has in memory later.
    /// - Returns: For each, whether it has grown enough.
    private func growth(from left: Int, _ sizes: Int...) -> [Bool] {
        var memory = FreedMemory()
        memory.recordTrim(leaving: left)
        return sizes.map { memory.recordSize($0) }
    }

    @Test func `is given back at first`() {
        var memory = FreedMemory()
        let hasGrown = memory.recordSize(1)
        #expect(hasGrown)
    }

    @Test func `is given back when the process has grown by more than a thirty-second`() {
        #expect(growth(from: 32_000_000, 32_000_000, 33_000_000, 33_000_001) == [false, false, true])
    }

    @Test func `is measured from where the process has shrunk to by itself`() {
        #expect(growth(from: 64_000_000, 32_000_000, 34_000_000) == [false, true])
    }
}
