import CMalloc
import Foundation
import Logging

/// Memory that the daemon has freed and the C library still holds.
///
/// What waits for a subscriber that does not read is freed in the order in which it is read or dropped, among memory that stays
/// in use. glibc gives back only what is free at the end of a heap, so that its heaps would keep the size of the largest burst
/// so far. It gives back the pages between when it is asked to.
public struct FreedMemory {
    /// Blocks from this size on are mapped each by itself, and unmapped when they are freed.
    private static let mappedBlock: Int32 = 1 << 20
    /// What may be free at the end of a heap. Each thread may have one.
    private static let freeAtEnd: Int32 = 1 << 19
    /// How often it is looked whether there is something to give back.
    private static let interval: TimeInterval = 5
    /// By which part of itself the process must have grown. What is given back is soon asked for again, page by page.
    private static let share = 32

    /// The least bytes in memory since the last time that something was given back; nil before the first.
    private var floor: Int?

    init() {}

    /// Fixes how much the C library keeps. Otherwise it keeps more after each large block that is freed, up to 64 MB in every
    /// heap. To be called before there are threads.
    public static func boundWhatIsKept() {
        mallopt(M_MMAP_THRESHOLD, mappedBlock)
        mallopt(M_TRIM_THRESHOLD, freeAtEnd)
    }

    /// Gives back what is free whenever the process has grown, until the process ends.
    ///
    /// Not on the hot loop's thread. That waits only while its own heap is looked through, and only if it allocates or frees
    /// then.
    static func keepGivingBack(_ logger: Logger) {
        var memory = FreedMemory()
        while true {
            Thread.sleep(forTimeInterval: interval)
            guard let before = ResidentMemory.bytes(), memory.hasGrown(to: before) else { continue }
            let time = ContinuousClock().measure { _ = malloc_trim(0) }
            guard let after = ResidentMemory.bytes() else { continue }
            memory.wasGivenBack(leaving: after)
            logger.debug("gave back \((before - after) / 1000) kB of freed memory in \(time / .milliseconds(1)) ms")
        }
    }

    /// Notes how large the process is.
    ///
    /// - Parameter resident: Its bytes in memory.
    /// - Returns: Whether it has grown enough that giving back is worth its while.
    mutating func hasGrown(to resident: Int) -> Bool {
        guard let floor else { return true }
        self.floor = min(floor, resident)
        return resident > floor + floor / Self.share
    }

    /// What was free has been given back.
    ///
    /// - Parameter resident: The bytes that the process has in memory now.
    mutating func wasGivenBack(leaving resident: Int) { floor = resident }
}
