#if Cluster
/// The place of a message that a consumer delivered. JetStream writes it into the subject for answers.
public struct Delivery: Equatable, Sendable {
    /// The stream.
    public let stream: String
    /// The consumer.
    public let consumer: String
    /// The message's sequence in the stream.
    public let sequence: UInt64
    /// The number of messages that the consumer has delivered with this one.
    public let consumerSequence: UInt64
    /// The time at which the stream's leader stored the message, in nanoseconds since 1970.
    public let time: Int64
    /// The number of messages that the consumer had still to deliver.
    public let pendingCount: UInt64

    /// Creates a place. Each parameter sets the property of the same name.
    package init(
        stream: String, consumer: String, sequence: UInt64, consumerSequence: UInt64, time: Int64, pendingCount: UInt64
    ) {
        self.stream = stream
        self.consumer = consumer
        self.sequence = sequence
        self.consumerSequence = consumerSequence
        self.time = time
        self.pendingCount = pendingCount
    }

    /// Reads a subject: `$JS.ACK.STREAM.CONSUMER.TIMES.SEQUENCE.SEQUENCE.TIME.PENDING`, with the domain and the
    /// account's hash after `ACK` if the server writes the newer form, and perhaps more at its end.
    ///
    /// - Returns: Nil if the subject is another one.
    public init?(reply subject: Span<UInt8>) {
        var starts = [0]
        for index in subject.indices where subject[index] == UInt8(ascii: ".") { starts.append(index + 1) }
        let count = starts.count
        guard count == 9 || count >= 11, Self.text(subject, starts, 0) == "$JS", Self.text(subject, starts, 1) == "ACK"
        else { return nil }
        let first = count == 9 ? 2 : 4
        guard let sequence = Self.number(subject, starts, first + 3),
            let consumerSequence = Self.number(subject, starts, first + 4),
            let time = Self.number(subject, starts, first + 5).flatMap({ Int64(exactly: $0) }),
            let pending = Self.number(subject, starts, first + 6)
        else { return nil }
        stream = Self.text(subject, starts, first)
        consumer = Self.text(subject, starts, first + 1)
        self.sequence = sequence
        self.consumerSequence = consumerSequence
        self.time = time
        pendingCount = pending
    }

    private static func range(_ subject: Span<UInt8>, _ starts: [Int], _ index: Int) -> Range<Int> {
        starts[index]..<(index + 1 < starts.count ? starts[index + 1] - 1 : subject.count)
    }

    private static func text(_ subject: Span<UInt8>, _ starts: [Int], _ index: Int) -> String {
        String(decoding: range(subject, starts, index).map { subject[$0] }, as: UTF8.self)
    }

    private static func number(_ subject: Span<UInt8>, _ starts: [Int], _ index: Int) -> UInt64? {
        let range = range(subject, starts, index)
        guard !range.isEmpty else { return nil }
        var number: UInt64 = 0
        for index in range {
            let digit = subject[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (tenfold, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, isOverflow) = tenfold.addingReportingOverflow(UInt64(digit))
            guard !isTooLarge, !isOverflow else { return nil }
            number = sum
        }
        return number
    }
}
#endif
