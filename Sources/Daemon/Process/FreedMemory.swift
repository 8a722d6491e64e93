import CMalloc
import Foundation
import Logging

/// Gives freed memory back to the system. Otherwise, the C library would hold it.
///
/// Decisions that wait for a slow subscriber are freed among memory that stays in use. By itself, glibc returns only
/// the free end of a heap. The heaps would therefore keep the size of the largest burst. `malloc_trim` also returns
/// free pages in the middle.
public struct FreedMemory {
    /// The size in bytes at which a block gets its own mapping, which is unmapped when the block is freed.
    private static let mappedBlock: Int32 = 1 << 20
    /// The number of bytes that may stay free at the end of a heap. Each thread may have a heap.
    private static let freeAtEnd: Int32 = 1 << 19
    /// The time in seconds between two checks of the process size.
    private static let interval: TimeInterval = 5
    /// The process must grow by 1/32 before a trim. A trim has a cost: the daemon soon requests the pages again, one by
    /// one.
    private static let share = 32

    /// The smallest resident size in bytes since the last trim; nil before the first trim.
    private var floor: Int?

    init() {}

    /// Fixes the amount of free memory that the C library keeps. By default, the library keeps more after each large
    /// block that is freed, up to 64 MB in every heap. Call this before any thread starts.
    public static func boundWhatIsKept() {
        mallopt(M_MMAP_THRESHOLD, mappedBlock)
        mallopt(M_TRIM_THRESHOLD, freeAtEnd)
    }

    /// Trims whenever the process has grown, until the process ends.
    ///
    /// Runs on a separate thread. The hot loop waits only if it allocates or frees while `malloc_trim` walks its heap.
    static func keepGivingBack(_ logger: Logger) {
        var memory = FreedMemory()
        while true {
            Thread.sleep(forTimeInterval: interval)
            guard let before = ResidentMemory.bytes(), memory.recordSize(before) else { continue }
            let time = ContinuousClock().measure { _ = malloc_trim(0) }
            guard let after = ResidentMemory.bytes() else { continue }
            memory.recordTrim(leaving: after)
            logger.debug(
                "returned \((before - after) / 1000) kB of freed memory to the system in \(time / .milliseconds(1)) ms")
        }
    }

    /// Records the size of the process.
    ///
    /// - Parameter resident: The resident size in bytes.
    /// - Returns: Whether the process has grown enough for a trim.
    mutating func recordSize(_ resident: Int) -> Bool {
        guard let floor else { return true }
        self.floor = min(floor, resident)
        return resident > floor + floor / Self.share
    }

    /// Records a trim.
    ///
    /// - Parameter resident: The resident size in bytes after the trim.
    mutating func recordTrim(leaving resident: Int) { floor = resident }
}
