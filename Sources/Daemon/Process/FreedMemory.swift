import CMalloc
import Foundation
import Logging

/// Returns freed memory to the system instead of leaving it with the C library.
///
/// When decisions that waited for a slow subscriber are freed, the memory around them is still in use. By itself, glibc
/// returns only the free memory at the end of a heap, so the heaps would stay as large as the largest burst.
/// `malloc_trim` also returns free pages in the middle.
public struct FreedMemory {
    /// The minimum size of a block that gets its own mapping, in bytes. The mapping is removed when the block is freed.
    private static let mappedBlock: Int32 = 1 << 20
    /// The amount of memory that may stay free at the end of a heap, in bytes. Each thread may have a heap.
    private static let freeAtEnd: Int32 = 1 << 19
    /// The time between two checks of the process size, in seconds.
    private static let interval: TimeInterval = 5
    /// The process is trimmed once it has grown by 1/32. Trimming after less growth would cost too much, because the
    /// daemon soon requests the pages again, one by one.
    private static let share = 32

    /// The smallest resident size since the last trim, in bytes; nil before the first trim.
    private var floor: Int?

    init() {}

    /// Limits the amount of free memory that the C library keeps. By default, each large block that is freed raises the
    /// limit, up to 64 MB in every heap. Call this before any thread starts.
    public static func boundWhatIsKept() {
        mallopt(M_MMAP_THRESHOLD, mappedBlock)
        mallopt(M_TRIM_THRESHOLD, freeAtEnd)
    }

    /// Trims the memory whenever the process has grown, until the process ends.
    ///
    /// Runs on its own thread. The hot loop waits only if it allocates or frees memory while `malloc_trim` walks the
    /// loop's heap.
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
    /// - Parameter resident: The resident size, in bytes.
    /// - Returns: Whether the process has grown enough to be trimmed.
    mutating func recordSize(_ resident: Int) -> Bool {
        guard let floor else { return true }
        self.floor = min(floor, resident)
        return resident > floor + floor / Self.share
    }

    /// Records a trim.
    ///
    /// - Parameter resident: The resident size after the trim, in bytes.
    mutating func recordTrim(leaving resident: Int) { floor = resident }
}
