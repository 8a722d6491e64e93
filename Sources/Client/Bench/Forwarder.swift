import Foundation
import ZeroMQ

/// The bound for the daemon: a SUB socket and a PUB socket, with frames copied from one to the other.
package enum Forwarder {
    /// The arguments of this program that run the forwarder; the endpoint follows.
    package static let arguments = ["bench", "forwarder"]

    /// Forwards for ever. Writes two lines to standard output: the address that takes messages and the address that
    /// returns them.
    ///
    /// - Parameter endpoint: The endpoint of both sockets, with a wildcard: `tcp://127.0.0.1:*`.
    /// - Throws: ``ZeroMQ/ZeroMQError`` if a socket cannot be opened or bound.
    package static func run(at endpoint: String) throws {
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

    /// Ends the forwarder at the end of its standard input. The parent process holds the other end, so that the
    /// forwarder ends with its parent however the parent ends.
    private static func endWithStandardInput() {
        Thread.detachNewThread {
            while let data = try? FileHandle.standardInput.read(upToCount: 64), !data.isEmpty {}
            exit(0)
        }
    }
}

/// A forwarder in a process of its own, as the daemon has one. The process ends with the value.
final class ForwarderProcess {
    /// The endpoints of the forwarder.
    let target: BenchTarget
    private let process = Process()
    private let input = Pipe()

    /// Starts this program again as a forwarder.
    ///
    /// - Parameter transport: The transport of the daemon's endpoints: `ipc` or `tcp`.
    /// - Throws: ``ClientError`` if it does not start.
    init(transport: String) throws {
        let output = Pipe()
        process.executableURL = Bundle.main.executableURL
        process.arguments = Forwarder.arguments + [transport == "ipc" ? "ipc://*" : "tcp://127.0.0.1:*"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        // Only the child's copy of this end may stay open, so that the child's end is noticed here.
        try? output.fileHandleForWriting.close()
        var text = Data()
        while text.count(where: { $0 == UInt8(ascii: "\n") }) < 2 {
            // Not `read(upToCount:)`, which waits for that many bytes.
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
        // Not by a signal, because the child may have inherited that the signal is ignored.
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
