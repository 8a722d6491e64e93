import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `The hot path` {
    /// What the counting library has counted up to now: see `AllocationCounter.h`.
    private struct Counts {
        let byLibzmq: Int
        let byOthers: Int
        /// Who asked for the last of the others, and who called that: files and offsets within them.
        let last: String

        init(_ file: URL) throws {
            let bytes = try Data(contentsOf: file)
            let numbers = (0..<2).map { index in
                (0..<8).reduce(0) { $0 | Int(bytes[8 * index + $1]) << (8 * $1) }
            }
            byLibzmq = numbers[0]
            byOthers = numbers[1]
            last = String(decoding: bytes[16...].prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    @Test func `allocates nothing over a million timesteps once it is warm`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(
            [model2, "--durability", "memory"], ingest: ["pull:@tcp://127.0.0.1:*"],
            environment: [
                "LD_PRELOAD": RunningProgram.folder.appending(path: "libAllocationCounter.so").path,
                "SLUICE_ALLOCATIONS": folder.path("counts"), "SLUICE_ALLOCATIONS_THREADS": "sluice-hot",
            ])
        let peer = try Peer(daemon)
        let streams = (0..<100).map { "s\($0)" }
        // So long that a message's records are no longer than before.
        let timesteps = (0..<100).map { Float($0) / 100 }
        func round() throws {
            for stream in streams { try peer.feed(stream, timesteps) }
            for stream in streams { _ = try peer.decisions(of: stream, timesteps.count) }
        }
        for _ in 0..<3 { try round() }

        let before = try Counts(folder.url("counts"))
        for _ in 0..<100 { try round() }
        let after = try Counts(folder.url("counts"))

        #expect(try peer.status().timesteps == UInt64(103 * streams.count * timesteps.count))
        #expect(before.byOthers > 0 && before.byLibzmq > 0, "the counter does not count")
        #expect(after.byOthers == before.byOthers, "the last one:\n\(after.last)")
    }
}
