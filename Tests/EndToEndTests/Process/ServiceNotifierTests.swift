import Foundation
import TestSupport
import Testing

@Suite struct `The reports to systemd` {
    private func environment(_ socket: String, watchdog: Int? = nil, of process: Int? = nil) -> [String: String] {
        var environment = ["NOTIFY_SOCKET": socket]
        if let watchdog { environment["WATCHDOG_USEC"] = "\(watchdog)" }
        if let process { environment["WATCHDOG_PID"] = "\(process)" }
        return environment
    }

    @Test(arguments: [false, true])
    func `the daemon reports its endpoints to systemd when it is ready, and later its stop`(isAbstract: Bool) throws {
        let folder = try TemporaryFolder()
        let name = folder.path("notify")
        let path = isAbstract ? "@" + name.dropFirst() : name
        let socket = try NotifySocket(path)
        // The watchdog belongs to another process, so the daemon must not report to the watchdog. Any reports would
        // appear between the two messages.
        let daemon = try DaemonProcess([model2], environment: environment(path, watchdog: 2_000, of: 1))
        let ready = try #require(socket.next())
        #expect(
            ready == """
                READY=1
                STATUS=ingest \(daemon.ingest), decisions \(daemon.decisions), control \(daemon.control), http off
                """)
        #expect(daemon.stop() == 0)
        #expect(socket.next() == "STOPPING=1")
        #expect(socket.next(within: 0) == nil)
    }

    @Test func `the daemon tells systemd about a stop that a control request asked for`() throws {
        let folder = try TemporaryFolder()
        let socket = try NotifySocket(folder.path("notify"))
        let daemon = try DaemonProcess([model2], environment: environment(folder.path("notify")))
        #expect(socket.next()?.hasPrefix("READY=1\n") == true)
        let control = daemon.control.replacing("@", with: "")
        #expect(try FinishedProgram("sluice", ["shutdown", "--control", control]).status == 0)
        #expect(socket.next() == "STOPPING=1")
        #expect(daemon.waitForEnd() == 0)
    }

    @Test func `the daemon reports that it is alive as long as the hot loop runs`() throws {
        let folder = try TemporaryFolder()
        let socket = try NotifySocket(folder.path("notify"))
        let daemon = try DaemonProcess([model2], environment: environment(folder.path("notify"), watchdog: 40_000))
        let ready: String? = eventually {
            let notice = socket.next()
            return notice == "WATCHDOG=1" ? nil : notice
        }
        #expect(ready?.hasPrefix("READY=1\n") == true)
        for _ in 0..<3 { #expect(socket.next() == "WATCHDOG=1") }

        do {
            let hanging = try StoppedThread("sluice-hot", of: daemon.processIdentifier)
            while socket.next(within: 0) != nil {}
            #expect(socket.next(within: 200) == nil)
            withExtendedLifetime(hanging) {}
        }
        #expect(socket.next() == "WATCHDOG=1")
    }

    @Test(arguments: ["relative", "@", "", "/" + String(repeating: "x", count: 107)])
    func `an invalid NOTIFY_SOCKET makes the daemon end with a message`(path: String) throws {
        let ended = try FinishedProgram("sluiced", [model2], environment: ["NOTIFY_SOCKET": path])
        #expect(ended.status == 78)
        #expect(ended.errorOutput.contains("NOTIFY_SOCKET is '\(path)'"))
    }
}
