import Client
import Foundation
import TestSupport
import Testing
import Wire

/// These tests set the time of day while the daemon runs.
@Suite struct `A step of the clock` {
    private static let day = 86_400

    @Test(arguments: ["checkpoint", "journal"])
    func `a step of the clock in either direction, or out of 1970, changes no stream`(durability: String) throws {
        let folder = try TemporaryFolder()
        let now = Int(Date().timeIntervalSince1970)
        let inputs = values(60)
        let undisturbed = try Peer(try DaemonProcess([model2]))
        let expected = try undisturbed.decide("s", inputs)
        // The daemon under test starts in 1970. Each step changes only the time of day.
        let clock = try folder.write("\(10 - now)", to: "clock")
        let daemon = try DaemonProcess(
            [
                model2, "--state-dir", folder.path("state"), "--durability", durability, "--checkpoint-interval",
                "0.02", "--idle-after", "0.05", "--forget-after", "3600",
            ],
            environment: [
                "LD_PRELOAD": RunningProgram.builtWithTests.appending(path: "libFaultInjector.so").path,
                "SLUICE_FAULT_CLOCK": clock,
            ])
        let peer = try Peer(daemon)
        var decisions = try peer.decide("s", Array(inputs[..<10]))
        for (number, shift) in [0, 2 * Self.day, -2 * Self.day, 400 * Self.day, 10 - now].enumerated() {
            try "\(shift)".write(toFile: clock, atomically: true, encoding: .utf8)
            // Wait until the search for idle streams has begun a new round. The idle stream must have hibernated, but
            // must not have been forgotten.
            let before = try peer.status().uptimeSeconds
            let asleep = try eventually {
                let status = try peer.status()
                return status.asleep == 1 && status.uptimeSeconds > before + 0.1 ? true : nil
            }
            try #require(asleep == true)
            let idle = try #require(try peer.control.stream("s")).idleSeconds
            #expect(idle > 0.05 && idle < 600, "a step of \(shift) s is no time without timesteps")
            let next = try peer.decide("s", Array(inputs[((number + 1) * 10)..<((number + 2) * 10)]))
            let off = Double(next[9].time) / 1e9 - Double(now + shift)
            #expect(off > -5 && off < 600, "decisions carry the time of day")
            decisions += next
        }
        #expect(decisions.bits == expected.bits)
        #expect(try peer.status().streams == 1)
        #expect(daemon.stop() == 0)
        let again = try Peer(try DaemonProcess([model2, "--state-dir", folder.path("state")]))
        let found = try #require(try again.control.stream("s"))
        // The stream's last timestep was in 1970.
        #expect(found.sequence == 60 && found.idleSeconds > 40 * 365 * 86_400)
    }
}
