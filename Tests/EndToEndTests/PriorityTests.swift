import Foundation
import TestSupport
import Testing

/// What an administrator says of a service's priority is for the threads that do its work. The pool that starts them raises its
/// own threads' where it may, for root.
@Suite struct `The priority that the daemon is started with` {
    private func priority(of thread: Int32) -> Int32 {
        getpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(thread))
    }

    @Test func `is that of the hot loop and of libzmq's threads`() throws {
        let folder = try TemporaryFolder()
        let daemon = try RunningProgram(
            "/usr/bin/nice",
            [
                "-n", "5", RunningProgram.folder.appending(path: "sluiced").path, model2,
                "--ingest", "@tcp://127.0.0.1:*", "--decisions", "@tcp://127.0.0.1:*",
                "--control", "@ipc://\(folder.path("control"))", "--http", "off",
            ])
        _ = try daemon.waitForLine { $0.contains("ready: ") }

        let tasks = URL(filePath: "/proc/\(daemon.processIdentifier)/task")
        var priorities: [String: Int32] = [:]
        for task in try FileManager.default.contentsOfDirectory(atPath: tasks.path) {
            // Read to its end: the size that the system tells is 0.
            let comm = try FileHandle(forReadingFrom: tasks.appending(path: "\(task)/comm")).readToEnd() ?? Data()
            let name = String(decoding: comm, as: UTF8.self).trimmingCharacters(in: .newlines)
            priorities[name] = priority(of: try #require(Int32(task)))
        }

        let started = priority(of: daemon.processIdentifier)
        #expect(started >= 3)
        #expect(priorities["sluice-hot"] == started)
        #expect(priorities["ZMQbg/IO/0"] == started)
    }
}
