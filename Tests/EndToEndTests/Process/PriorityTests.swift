import Foundation
import TestSupport
import Testing

/// Tests that the priority set by an administrator applies to the threads that do the work. Those threads cannot come
/// from Dispatch, which raises the priority of its threads if it is allowed to, for example as root.
@Suite struct `The priority of the daemon` {
    private func priority(of thread: Int32) -> Int32 {
        getpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(thread))
    }

    @Test func `the hot loop and libzmq's threads keep the priority of the process`() throws {
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
        // libzmq's thread sets its name when it first runs. Replies pass through that thread, so a reply proves that
        // the thread has run.
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
