import Foundation
import Glibc

/// The memory that this process has in the machine's.
enum ResidentMemory {
    /// Bytes; nil where the system does not say. See `proc_pid_statm(5)`: the second number, in pages.
    static func bytes() -> Int? {
        guard let numbers = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " "),
            numbers.count > 1, let pages = Int(numbers[1])
        else { return nil }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
