import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

@Suite struct `An orderly stop` {
    /// The maximum number of messages that the daemon queues for each producer.
    private static let highWaterMark = 400

    @Test func `a stop under full load decides all received messages for every subscriber`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path]
        let daemon = try DaemonProcess(
            arguments + ["--high-water-mark", "\(Self.highWaterMark)"],
            ingest: ["pull:@ipc://\(folder.path)/ingest"])
        // The daemon may have to send more decisions than its high-water mark, so the subscriber must read fast enough.
        let subscriber = try LoadSubscriber(daemon)
        let producers = try (0..<2).map { try LoadProducer(daemon, stream: "load-\($0)") }
        subscriber.start()
        for producer in producers { producer.start() }
        // Once a producer has to wait, the daemon has received all messages of that producer except those in transit.
        let sent = try producers.map { producer in try #require(eventually { producer.sentBeforeWaiting }) }
        #expect(sent.reduce(0, +) > producers.count * LoadProducer.underWay)
        #expect(kill(daemon.processIdentifier, SIGTERM) == 0)
        #expect(daemon.waitForEnd() == 0)
        for producer in producers { producer.stop() }
        subscriber.stop()

        let consumed = try #require(number(before: " timesteps consumed", in: daemon.log))
        // If the machine is too slow to consume all received messages, the daemon logs how many were lost.
        let lost = number(before: " messages could not be consumed", in: daemon.log) ?? 0
        let messages = consumed / LoadProducer.timesteps + lost
        #expect(messages >= sent.reduce(0, +) - producers.count * LoadProducer.underWay, "\(sent): \(daemon.log)")

        // The stored state, the log and the subscriber agree.
        let again = try Peer(try DaemonProcess(arguments))
        var total = 0
        for producer in producers {
            let sequence = Int(try #require(try again.control.stream(producer.stream)?.sequence))
            #expect(sequence.isMultiple(of: LoadProducer.timesteps))
            #expect(subscriber.sequences(of: producer.stream) == Array(1...UInt64(sequence)))
            total += sequence
        }
        #expect(total == consumed)
    }

    /// The daemon connects to the producer. A bound producer keeps no messages for a later connection, so any message
    /// that the stopping daemon leaves unread is lost.
    @Test func `a stop decides all messages that a bound producer has written to the connection`() throws {
        let context = try Context()
        let producer = try Socket(.push, in: context)
        try producer.set(.linger, to: 0)
        try producer.set(.sendTimeout, to: 10_000)
        try producer.attach(to: try Endpoint("@tcp://127.0.0.1:*"), otherwise: .bind)
        let address = try producer.lastAddress()
        let daemon = try DaemonProcess([model2], ingest: ["pull:>\(address)"])
        let control = try ControlClient(
            endpoint: connecting(daemon.control), timeoutSeconds: 20 * patience, in: try Context())
        func send() throws {
            try #require(try producer.sendFrames([Array("s".utf8), Timesteps.bytes([0.5])], wait: true))
        }
        try send()
        let isThere = try eventually { try control.stream("s").map { _ in true } }
        try #require(isThere == true)
        do {
            // Suspend the loop while the producer sends. When the loop learns of the stop, all messages are therefore
            // in the kernel or in the daemon's I/O thread.
            let loop = try StoppedThread("sluice-hot", of: daemon.processIdentifier)
            defer { withExtendedLifetime(loop) {} }
            for _ in 0..<500 { try send() }
            usleep(500_000)
            #expect(kill(daemon.processIdentifier, SIGTERM) == 0)
        }
        #expect(daemon.waitForEnd() == 0)
        #expect(daemon.log.contains("stopped: 501 timesteps consumed"), "\(daemon.log)")
    }

    /// Connections may end at any moment, even while the daemon stops.
    @Test func `a stop while producers disconnect ends normally`() throws {
        for round in 0..<3 {
            let daemon = try DaemonProcess([model2])
            let endpoint = try IngestEndpoint(connecting(daemon.ingest)).endpoint
            do {
                let context = try Context()
                let producers = try (0..<20).map { _ in LeavingProducer(try Socket(.xpub, in: context)) }
                for producer in producers { try producer.come(endpoint) }
            }
            usleep(UInt32(200 * round))
            #expect(daemon.stop() == 0)
        }
    }

    /// Returns the number before `words` in the last line that contains them.
    private func number(before words: String, in log: String) -> Int? {
        let line = log.split(separator: "\n").last { $0.contains(words) }
        return line?.split(separator: words).first?.split(separator: " ").last.flatMap { Int($0) }
    }
}

/// Sends one timestep, and disconnects when the object is released.
private final class LeavingProducer {
    private let socket: Socket

    init(_ socket: consuming Socket) { self.socket = socket }

    func come(_ endpoint: Endpoint) throws {
        try socket.set(.linger, to: 0)
        try socket.set(.receiveTimeout, to: 10_000)
        try socket.attach(to: endpoint, otherwise: .connect)
        try #require(try socket.receiveFrames(wait: true) == [[1]])
        try socket.sendFrames([Array("s".utf8), Timesteps.bytes([0.5])], wait: true)
    }
}

/// Receives all decisions on its own thread.
private final class LoadSubscriber: @unchecked Sendable {
    private let subscriber: DecisionSubscriber
    /// Only the thread uses the dictionary until the thread has ended.
    private var seen: [String: [UInt64]] = [:]
    private let thread = LoadThread()

    init(_ daemon: DaemonProcess) throws {
        subscriber = try DecisionSubscriber(
            endpoint: try Endpoint(connecting(daemon.decisions)), prefix: "", in: try Context())
    }

    func start() { thread.start { [self] in try receive() } }

    /// Stops once no more decisions arrive.
    func stop() { thread.stop() }

    /// Returns the received sequence numbers of a stream, in order of arrival.
    func sequences(of stream: String) -> [UInt64] { seen[stream] ?? [] }

    private func receive() throws {
        var isIdle = false
        while !(isIdle && thread.isOver) {
            isIdle = true
            try subscriber.wait(seconds: 0.1)
            while let message = try subscriber.next() {
                seen[message.stream, default: []] += message.decisions.map(\.sequence)
                isIdle = false
            }
        }
    }
}
