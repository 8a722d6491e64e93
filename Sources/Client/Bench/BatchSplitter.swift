import Wire
import ZeroMQ

/// Splits batches into one message per entry, as the daemon does when it publishes decisions one by one. The splitter
/// does not run a model: the second frame of each message has the right size but contains only zeros.
struct BatchSplitter: ~Copyable {
    private let answer: [UInt8]
    private var header = Message()
    private var names = Message()
    private var values = Message()
    /// The ids of the dictionary, and their width.
    private var dictionary: [UInt8] = []
    private var dictionaryWidth = 0

    init(answerSize: Int) {
        answer = Array(repeating: 0, count: answerSize)
    }

    /// Receives a message and sends one message for each of its entries.
    mutating func splitNext(from input: borrowing Socket, to output: borrowing Socket) throws {
        guard try input.receive(into: &header, wait: true) else { return }
        _ = try input.receive(into: &names, wait: true)
        let batch = try BatchHeader(header.rawBytes)
        guard batch.kind != .dictionary else {
            dictionary = Array(copying: names.bytes)
            dictionaryWidth = dictionary.count / batch.count
            return
        }
        _ = try input.receive(into: &values, wait: true)
        let width = names.byteCount / batch.count
        for entry in 0..<batch.count {
            if batch.kind == .ids {
                try send(PaddedIDs.id(at: entry, in: names.bytes, width: width), to: output)
            } else {
                let number =
                    names.byteCount == 0 ? entry : Int(names.rawBytes.littleEndian(at: 4 * entry, as: UInt32.self))
                try send(PaddedIDs.id(at: number, in: dictionary.span, width: dictionaryWidth), to: output)
            }
        }
    }

    private func send(_ id: Span<UInt8>, to output: borrowing Socket) throws(ZeroMQError) {
        try output.send(id, more: true, wait: true)
        try output.send(answer.span, wait: true)
    }
}
