import Foundation

/// A thread of a running process, as the system lists it.
struct ProcessThread {
    let id: pid_t
    let name: String

    /// The threads that a process has now.
    static func all(of process: pid_t) throws -> [ProcessThread] {
        let tasks = URL(filePath: "/proc/\(process)/task")
        return try FileManager.default.contentsOfDirectory(atPath: tasks.path).compactMap { task in
            // Read to its end: the size that the system tells is 0.
            let comm = try FileHandle(forReadingFrom: tasks.appending(path: "\(task)/comm")).readToEnd() ?? Data()
            let name = String(decoding: comm, as: UTF8.self).trimmingCharacters(in: .newlines)
            return pid_t(task).map { ProcessThread(id: $0, name: name) }
        }
    }
}
