import Foundation
import ZeroMQ

/// The bound that the daemon is measured against: SUB in, PUB out, frame by frame, and nothing else.
public enum Forwarder {
    /// The arguments to this program that run it; the endpoint follows.
    public static let arguments = ["bench", "forwarder"]

    /// Forwards for ever. Says where on standard output, on two lines: where it takes messages, where it gives them.
    ///
    /// - Parameter endpoint: What both sockets are bound to; has a wildcard, as `tcp://127.0.0.1:*`.
    /// - Throws: ``ZeroMQ/ZeroMQError`` where a socket cannot be opened or bound.
    public static func run(at endpoint: String) throws {
        let endpoint = try Endpoint(endpoint)
        let context = try Context()
        let input = try Socket(.sub, in: context)
        let output = try Socket(.pub, in: context)
        try input.set(.receiveHighWaterMark, to: 0)
        try output.set(.sendHighWaterMark, to: 0)
        try input.subscribe("")
        try input.attach(to: endpoint, otherwise: .bind)
        try output.attach(to: endpoint, otherwise: .bind)
        let addresses = "\(try input.lastAddress())\n\(try output.lastAddress())\n"
        try FileHandle.standardOutput.write(contentsOf: Data(addresses.utf8))
        endWithStandardInput()
        var message = Message()
        while true {
            guard try input.receive(into: &message, wait: true) else { continue }
            let more = message.hasMore
            try output.forward(&message, more: more, wait: true)
        }
    }

    /// Whoever started the forwarder holds the other end of its standard input: however that process ends, the
    /// forwarder ends too.
    private static func endWithStandardInput() {
        Thread.detachNewThread {
            while let data = try? FileHandle.standardInput.read(upToCount: 64), !data.isEmpty {}
            exit(0)
        }
    }
}

/// A forwarder in a process of its own, as the daemon has one. Ends with the value.
final class ForwarderProcess {
    /// Where it takes and gives messages.
    let target: BenchTarget
    private let process = Process()
    private let input = Pipe()

    /// Starts this program once more, as a forwarder.
    ///
    /// - Parameter transport: Of the daemon's endpoints: `ipc` or `tcp`.
    /// - Throws: ``ClientError`` where it does not start.
    init(transport: String) throws {
        let output = Pipe()
        process.executableURL = Bundle.main.executableURL
        process.arguments = Forwarder.arguments + [transport == "ipc" ? "ipc://*" : "tcp://127.0.0.1:*"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        // Of this end only the child's copy is to be left, so that its end is seen here.
        try? output.fileHandleForWriting.close()
        var text = Data()
        while text.count(where: { $0 == UInt8(ascii: "\n") }) < 2 {
            // Not `read(upToCount:)`, which waits for that many.
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            text.append(more)
        }
        let addresses = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
        guard addresses.count == 2 else {
            throw ClientError(.software, "the forwarder to compare with did not start")
        }
        target = BenchTarget(
            ingest: IngestEndpoint(.sub, Endpoint(.connect, addresses[0])),
            decisions: Endpoint(.connect, addresses[1]), announcesSubscriptions: false)
    }

    deinit {
        // Not by a signal: the child may have inherited that it is ignored.
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
