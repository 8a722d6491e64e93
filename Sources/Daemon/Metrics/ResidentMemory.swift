import Foundation
import Glibc

/// The resident memory of this process.
enum ResidentMemory {
    /// Returns the number of resident bytes; nil if the system does not report it. The value is the second number of
    /// `/proc/self/statm`, in pages; see `proc_pid_statm(5)`.
    static func bytes() -> Int? {
        guard let numbers = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " "),
            numbers.count > 1, let pages = Int(numbers[1])
        else { return nil }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
