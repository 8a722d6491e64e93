import Client
import Foundation
import Synchronization
import TestSupport
import Testing
import Wire
import ZeroMQ

@Suite(.serialized) struct `Stops under load` {
    /// An address that only this test uses, so that its ports stay free between one daemon and the next.
    private static let host = "127.83.0.1"

    /// Stops a daemon 20 times in all. Producers send bursts and single messages over TCP and IPC, to PULL and SUB
    /// sockets.
    @Test(arguments: [(stops: 14, hasKeys: false), (stops: 6, hasKeys: true)])
    func `repeated stops under load lose no timestep that a producer has sent`(stops: Int, hasKeys: Bool) throws {
        let folder = try TemporaryFolder()
        let keys = try TestKeys()
        try keys.make("all", "producers", "controllers")
        let arguments = [model2, "--state-dir", folder.path("state")] + (hasKeys ? keys.flags : [])
        var ingest = ["pull:@tcp://\(Self.host):*", "pull:@ipc://\(folder.path("ingest"))", "@tcp://\(Self.host):*"]
        var daemon = try DaemonProcess(arguments, ingest: ingest)
        let ready = try #require(daemon.log.split(separator: "\n").first { $0.contains("ready: ingest ") })
        let places = try #require(ready.split(separator: "ready: ingest ").last?.split(separator: ", ").first)
        ingest = places.split(separator: " ").map(String.init)
        try #require(ingest.count == 3, "\(ready)")

        let credentials = hasKeys ? try keys.credentials("all") : nil
        let rhythms = [(burst: 200, pause: 40_000), (burst: 1, pause: 500), (burst: 20, pause: 5_000)]
        let producers = try zip(ingest, rhythms).map { endpoint, rhythm in
            try NumberingProducer(endpoint, burst: rhythm.burst, pause: UInt32(rhythm.pause), credentials)
        }
        for producer in producers { producer.start() }
        for stop in 0..<stops {
            try waitForProgress(daemon, producers, credentials)
            // Vary the moment of the stop within a burst.
            usleep(UInt32(stop * 7_100 % 45_000))
            let started = ContinuousClock.now
            #expect(daemon.stop() == 0)
            #expect(ContinuousClock.now - started < .seconds(5 * patience))
            #expect(!daemon.log.contains("lost"), "\(daemon.log)")
            daemon = try DaemonProcess(arguments, ingest: ingest)
        }
        for producer in producers { producer.stop() }
        let control = try self.control(of: daemon, credentials)
        for producer in producers {
            let isAllThere = try eventually {
                try control.stream(producer.stream)?.sequence ?? 0 == producer.sent ? true : nil
            }
            let status = try control.stream(producer.stream)
            #expect(isAllThere == true, "\(producer.sent) were sent: \(String(describing: status))")
            // The sequence number also counts missing timesteps, but the step does not.
            #expect(status?.step == producer.sent, "\(producer.stream)")
        }
        #expect(daemon.stop() == 0)
    }

    /// Waits until a daemon has consumed more timesteps of each producer, and lets the producers go on from there.
    private func waitForProgress(
        _ daemon: DaemonProcess, _ producers: [NumberingProducer], _ credentials: CurveCredentials?
    ) throws {
        let control = try control(of: daemon, credentials)
        for producer in producers {
            let before = try control.stream(producer.stream)?.sequence ?? 0
            let goesOn = try eventually {
                for other in producers { other.follow(try control.stream(other.stream)?.sequence ?? 0) }
                return producer.consumed > before ? true : nil
            }
            try #require(goesOn == true, "\(producer.stream) does not arrive")
        }
    }

    private func control(of daemon: DaemonProcess, _ credentials: CurveCredentials?) throws -> ControlClient {
        try ControlClient(
            endpoint: connecting(daemon.control), timeoutSeconds: 20 * patience, credentials: credentials,
            in: try Context())
    }
}

/// Sends numbered timesteps in bursts from its own thread. Keeps each message until the daemon has received it.
///
/// A daemon that cannot keep up on a busy machine would rightly lose what it cannot consume while it stops. So a producer
/// stays at most ``ahead`` timesteps ahead of the last consumed one that it knows of.
private final class NumberingProducer: Sendable {
    private static let ahead: UInt64 = 1_000

    let stream: String
    private let endpoint: IngestEndpoint
    private let burst: Int
    private let pause: UInt32
    private let credentials: CurveCredentials?
    private let count = Atomic<UInt64>(0)
    private let lastConsumed = Atomic<UInt64>(0)
    private let over = Atomic<Bool>(false)

    init(_ endpoint: String, burst: Int, pause: UInt32, _ credentials: CurveCredentials?) throws {
        stream = "\(endpoint.prefix(14))-\(burst)"
        self.endpoint = try IngestEndpoint(connecting(endpoint))
        self.burst = burst
        self.pause = pause
        self.credentials = credentials
    }

    /// The number of timesteps sent so far.
    var sent: UInt64 { count.load(ordering: .acquiring) }

    /// The sequence number of the last timestep that the daemon is known to have consumed.
    var consumed: UInt64 { lastConsumed.load(ordering: .acquiring) }

    /// Notes the sequence number of the last timestep that the daemon has consumed.
    func follow(_ sequence: UInt64) { lastConsumed.store(sequence, ordering: .releasing) }

    func start() {
        Thread.detachNewThread { [self] in try? run() }
    }

    /// Stops sending. Messages already sent still reach the daemon.
    func stop() { over.store(true, ordering: .releasing) }

    deinit { over.store(true, ordering: .releasing) }

    private func run() throws {
        let isPush = endpoint.kind == .pull
        let socket = try Socket(isPush ? .push : .xpub, in: try Context())
        try socket.set(.linger, to: 20_000)
        try socket.set(.sendHighWaterMark, to: 1_000_000)
        try socket.set(.sendTimeout, to: 10_000)
        try socket.authenticate(with: credentials, at: endpoint.endpoint)
        try socket.attach(to: endpoint.endpoint, otherwise: .connect)
        // Wait for the daemon's subscription, because a publisher's earlier messages are lost.
        if !isPush { _ = try socket.receiveFrames(wait: true) }
        while !over.load(ordering: .acquiring) {
            for _ in 0..<burst where sent < consumed + Self.ahead {
                let number = sent + 1
                let header = TimestepHeader(sequence: number, flags: [])
                guard try socket.sendFrames([Array(stream.utf8), Timesteps.bytes([0.5]), header.bytes], wait: true)
                else { return }
                count.store(number, ordering: .releasing)
            }
            usleep(pause)
        }
    }
}
