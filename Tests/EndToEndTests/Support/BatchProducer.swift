import TestSupport
import Testing
import Wire
import ZeroMQ

/// An ingest endpoint with the codec `batch`.
let batchEndpoint = "batch:pull:@tcp://127.0.0.1:*"

/// Timesteps of one stream within a message of many streams.
struct Entry {
    var stream: String
    /// The timesteps, with one feature each.
    var values: [Float]
    var sequence: UInt64
    var flags: TimestepHeader.Flags

    init(_ stream: String, _ values: [Float], sequence: UInt64 = 0, flags: TimestepHeader.Flags = []) {
        (self.stream, self.values, self.sequence, self.flags) = (stream, values, sequence, flags)
    }
}

extension Peer {
    /// Sends entries in messages of `size` entries. All entries have the same number of timesteps. With a dictionary,
    /// the messages have numbers instead of ids.
    func send(
        batches entries: [Entry], size: Int, areTokens: Bool = false, _ dictionary: StreamDictionary? = nil
    ) throws {
        let numbers = dictionary.map { dictionary in
            (0..<dictionary.count).reduce(into: [[UInt8]: UInt32]()) { numbers, number in
                let id = dictionary.id(number)
                numbers[id.indices.map { id[$0] }] = UInt32(number)
            }
        }
        for part in entries.chunked(by: size) {
            let ids = part.map { Array($0.stream.utf8) }
            let values = part.flatMap(\.values)
            let sequences = part.contains { $0.sequence > 0 } ? part.map(\.sequence) : []
            let flags = part.contains { !$0.flags.isEmpty } ? part.map(\.flags) : []
            let streams: BatchMessage.Streams =
                if let dictionary, let numbers {
                    .numbers(try ids.map { try #require(numbers[$0]) }, dictionary: dictionary.hash)
                } else {
                    .ids(ids)
                }
            try send(
                BatchMessage(
                    streams: streams, values: areTokens ? .tokens(values.map { Int32($0) }) : .floats(values),
                    sequences: sequences, flags: flags
                ).frames)
        }
    }
}

/// Sends messages of one stream to the first ingest endpoint of a daemon, beside a ``Peer`` at the last one.
final class SingleProducer {
    private let socket: Socket

    init(_ daemon: DaemonProcess, in peer: Peer) throws {
        socket = try Socket(.xpub, in: peer.context)
        try socket.set(.linger, to: 0)
        try socket.set(.receiveTimeout, to: 10_000)
        try socket.set(.sendTimeout, to: 10_000)
        try socket.attach(to: try Endpoint(connecting(try peer.status().endpoints.ingest[0])), otherwise: .connect)
        try #require(try socket.receiveFrames(wait: true) == [[1]], "the daemon did not subscribe")
    }

    func send(_ stream: String, _ values: [Float]) throws {
        try #require(try socket.sendFrames([Array(stream.utf8), Timesteps.bytes(values)], wait: true))
    }
}

extension Array {
    /// Returns the elements in parts of `size`. The last part may be smaller.
    func chunked(by size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
