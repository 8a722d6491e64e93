import Foundation
import Glibc

/// The resident memory of this process.
enum ResidentMemory {
    /// Returns the size of the resident memory in bytes; nil if the system does not report it. The size is the second
    /// number in `/proc/self/statm`, in pages; see `proc_pid_statm(5)`.
    static func bytes() -> Int? {
        guard let numbers = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " "),
            numbers.count > 1, let pages = Int(numbers[1])
        else { return nil }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
