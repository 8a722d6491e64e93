import Foundation
import TestSupport
import Testing

/// What an administrator says of a service's priority is for the threads that do its work. Dispatch
/// raises that of its own threads where it may, for root.
@Suite struct `The priority that the daemon is started with` {
    private func priority(of thread: Int32) -> Int32 {
        getpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(thread))
    }

    @Test func `is that of the hot loop and of libzmq's threads`() throws {
        let folder = try TemporaryFolder()
        let control = "ipc://\(folder.path("control"))"
        let daemon = try RunningProgram(
            "/usr/bin/nice",
            [
                "-n", "5", RunningProgram.folder.appending(path: "sluiced").path, model2,
                "--ingest", "@tcp://127.0.0.1:*", "--decisions", "@tcp://127.0.0.1:*",
                "--control", "@\(control)", "--http", "off",
            ])
        _ = try daemon.waitForLine { $0.contains("ready: ") }
        // libzmq's thread names itself when it first runs, which an answer by way of it shows.
        #expect(try FinishedProgram("sluice", ["status", "--control", control]).status == 0)

        let threads = try ProcessThread.all(of: daemon.processIdentifier)
        let hotLoop = try #require(threads.first { $0.name == "sluice-hot" }, "\(threads)")
        let network = try #require(threads.first { $0.name == "ZMQbg/IO/0" }, "\(threads)")
        let started = priority(of: daemon.processIdentifier)
        #expect(started >= 3)
        #expect(priority(of: hotLoop.id) == started)
        #expect(priority(of: network.id) == started)
    }
}
