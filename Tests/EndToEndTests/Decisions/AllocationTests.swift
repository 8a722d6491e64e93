import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

@Suite struct `The hot path` {
    /// The counts so far from the preloaded library. See `AllocationCounter.h`.
    private struct Counts {
        /// The number of allocations, except those by libzmq itself.
        let byOthers: Int
        /// The call stack of the last allocation in `byOthers`, as file names and offsets.
        let last: String

        init(_ file: URL) throws {
            let bytes = try Data(contentsOf: file)
            byOthers = (0..<8).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
            last = String(decoding: bytes[16...].prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// Returns the variables with which a daemon counts the allocations of its hot thread.
    private func environment(countingIn folder: TemporaryFolder) -> [String: String] {
        [
            "LD_PRELOAD": RunningProgram.builtWithTests.appending(path: "libAllocationCounter.so").path,
            "SLUICE_ALLOCATIONS": folder.path("counts"), "SLUICE_ALLOCATIONS_THREADS": "sluice-hot",
        ]
    }

    /// Expects that a warm daemon allocates nothing over a million timesteps.
    ///
    /// - Parameters:
    ///   - folder: The folder of the counts.
    ///   - control: A client of the daemon.
    ///   - settle: Feeds more timesteps before the count begins, and receives their decisions. The daemon has then
    ///     finished with the status request before them, which allocates.
    ///   - load: Feeds the timesteps and receives their decisions.
    /// - Throws: The errors of the client, of the counts and of the two closures.
    private func expectNoAllocation(
        countedIn folder: TemporaryFolder, _ control: ControlClient, settle: () throws -> Void,
        load: () throws -> Void
    ) throws {
        let warm = try Counts(folder.url("counts"))
        let timestepsBefore = try control.call(.status).timesteps
        try settle()
        let before = try Counts(folder.url("counts"))
        try load()
        let after = try Counts(folder.url("counts"))

        #expect(try control.call(.status).timesteps - timestepsBefore >= 1_000_000)
        #expect(before.byOthers > warm.byOthers, "a request allocates, but the counter has not counted it")
        #expect(after.byOthers == before.byOthers, "the last one:\n\(after.last)")
    }

    /// Runs only on release builds. In a debug build, unspecialized generic code allocates where optimized code does
    /// not.
    @Test(.enabled(if: RunningProgram.others != nil, "tools/test runs it, with SLUICE_PROGRAMS=.build/release"))
    func `the hot path allocates nothing over a million timesteps once it is warm`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(
            [model2, "--durability", "memory", "--emit", "last"], ingest: ["pull:@tcp://127.0.0.1:*"],
            environment: environment(countingIn: folder))
        let peer = try Peer(daemon)
        let timesteps = (0..<100).map { Float($0) / 100 }
        let lengths = Array(repeating: 100, count: 10) + Array(repeating: 1, count: 20)
        func feed(_ streams: Range<Int>) throws {
            for length in lengths {
                for stream in streams { try peer.feed("s\(stream)", Array(timesteps[..<length])) }
            }
            for stream in streams { _ = try peer.decisions(of: "s\(stream)", lengths.count) }
        }
        // The warm-up exceeds every later load: it feeds more streams and a longer message.
        for _ in 0..<3 { try feed(0..<64) }
        try peer.feed("long", Array(repeating: 0.5, count: 5_000))
        _ = try peer.decisions(of: "long", 1)

        try expectNoAllocation(countedIn: folder, peer.control) {
            try feed(0..<8)
        } load: {
            for _ in 0..<123 { try feed(0..<8) }
        }
        let history = try peer.control.call(.history(HistoryRequest(.recent(100, search: nil, model: nil))))
        #expect(history.streams.map(\.times.count).max() == history.points, "no history was kept")
    }

    /// Like the test above, for messages of many streams whose decisions are published in the codec `batch`.
    @Test(.enabled(if: RunningProgram.others != nil, "tools/test runs it, with SLUICE_PROGRAMS=.build/release"))
    func `messages of many streams allocate nothing over a million timesteps once the daemon is warm`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(
            [model2, "--durability", "memory"], ingest: ["batch:pull:@tcp://127.0.0.1:*"],
            others: ["batch:@tcp://127.0.0.1:*"],
            environment: environment(countingIn: folder))
        let context = try Context()
        let control = try ControlClient(endpoint: connecting(daemon.control), timeoutSeconds: 60, in: context)
        let subscriber = try BatchSubscriber(daemon.allDecisions[1], topic: DecisionBatch.topicPrefix, in: context)
        let producer = try Socket(.push, in: context)
        let ingest = try control.call(.status).endpoints.ingest[0]
        try producer.attach(to: try IngestEndpoint(connecting(ingest)).endpoint, otherwise: .connect)
        func feed(_ count: Int, of streams: Int) throws {
            let ids = (0..<streams).map { Array("stream-\($0)".utf8) }
            let message = BatchMessage(streams: .ids(ids), values: .floats(values(streams, seed: 1))).frames
            for _ in 0..<count {
                try producer.sendFrames(message, wait: true)
                // One message at a time, because the size of the memory depends on the messages that wait.
                var received = 0
                while received < streams {
                    let records = try subscriber.next()[2]
                    received += records.count / Decision.recordSize(outputs: 1)
                }
            }
        }
        // The warm-up exceeds every later load: it feeds larger messages.
        try feed(20, of: 3_000)
        try feed(20, of: 1_000)

        try expectNoAllocation(countedIn: folder, control) {
            try feed(10, of: 1_000)
        } load: {
            try feed(1_000, of: 1_000)
        }
    }
}
