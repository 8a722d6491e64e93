import Foundation

/// A thread of a running process.
struct ProcessThread {
    let id: pid_t
    let name: String

    /// Returns the current threads of a process.
    static func all(of process: pid_t) throws -> [ProcessThread] {
        let tasks = URL(filePath: "/proc/\(process)/task")
        return try FileManager.default.contentsOfDirectory(atPath: tasks.path).compactMap { task in
            // Read to the end of the file because the system reports a size of 0.
            let comm = try FileHandle(forReadingFrom: tasks.appending(path: "\(task)/comm")).readToEnd() ?? Data()
            let name = String(decoding: comm, as: UTF8.self).trimmingCharacters(in: .newlines)
            return pid_t(task).map { ProcessThread(id: $0, name: name) }
        }
    }
}
