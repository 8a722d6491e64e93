import Foundation
import ZeroMQ

/// A bare forwarder: a loop that passes frames from a SUB socket to a PUB socket. Its speed is an upper limit for the
/// daemon's speed.
package enum Forwarder {
    /// The arguments that make this program run as a forwarder. The endpoint follows them.
    package static let arguments = ["bench", "forwarder"]

    /// Forwards forever. Writes two lines to standard output: the address that receives messages and the address that
    /// returns them.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint of both sockets, with a wildcard: `tcp://127.0.0.1:*`.
    ///   - answerSize: Splits each batch into one message per entry, with a second frame of this size in bytes; nil to
    ///     pass frames on as they are.
    /// - Throws: ``ZeroMQ/ZeroMQError`` if a socket cannot be opened or bound.
    package static func run(at endpoint: String, splittingInto answerSize: Int? = nil) throws {
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
        if let answerSize {
            var splitter = BatchSplitter(answerSize: answerSize)
            while true { try splitter.splitNext(from: input, to: output) }
        }
        var message = Message()
        while true {
            guard try input.receive(into: &message, wait: true) else { continue }
            let more = message.hasMore
            try output.forward(&message, more: more, wait: true)
        }
    }

    /// Ends the forwarder when its standard input ends. The parent process holds the other end of that pipe, so the
    /// forwarder ends with its parent, however the parent ends.
    private static func endWithStandardInput() {
        Thread.detachNewThread {
            while let data = try? FileHandle.standardInput.read(upToCount: 64), !data.isEmpty {}
            exit(0)
        }
    }
}

/// A forwarder that runs in a separate process, as the daemon does. The process ends when this object is released.
final class ForwarderProcess {
    /// The endpoints of the forwarder.
    let target: BenchTarget
    private let process = Process()
    private let input = Pipe()

    /// Starts this program again as a forwarder.
    ///
    /// - Parameters:
    ///   - transport: The transport of the daemon's endpoints: `ipc` or `tcp`.
    ///   - batches: Whether the messages are batches that come back whole.
    ///   - answerSize: The size in bytes of the second frame of each entry's message, if batches are split; otherwise
    ///     nil.
    /// - Throws: ``ClientError`` if the forwarder does not start.
    init(transport: String, batches: Bool = false, splittingInto answerSize: Int? = nil) throws {
        let output = Pipe()
        process.executableURL = Bundle.main.executableURL
        process.arguments =
            Forwarder.arguments + [transport == "ipc" ? "ipc://*" : "tcp://127.0.0.1:*"]
            + (answerSize.map { ["--splitting-into", "\($0)"] } ?? [])
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        // Only the child may keep the writing end open, so that the output ends when the child ends.
        try? output.fileHandleForWriting.close()
        var text = Data()
        while text.count(where: { $0 == UInt8(ascii: "\n") }) < 2 {
            // Do not use `read(upToCount:)`, which would wait for that many bytes.
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
            decisions: Endpoint(.connect, addresses[1]), announcesSubscriptions: false,
            publishesBatches: batches)
    }

    deinit {
        // Close the child's input to end the child. A signal might have no effect, because a child inherits ignored
        // signals.
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
