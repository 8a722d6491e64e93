import Histogram

/// Measures one target's latency in one round: the round-trip time of a single message. The run connects once and
/// measures turn by turn. See ``BenchTurns``.
final class LatencyRun {
    /// The number of counted messages in a turn, and the number of warm-up messages before them.
    private static let turnMessages = 250
    private static let warmUpMessages = 25
    /// The time limit in a turn for the warm-up messages, and separately for the counted messages. At least one message
    /// of each kind is sent.
    private static let patience = Duration.seconds(0.25)
    /// The number of counted messages that is enough for a round.
    private static let enough: UInt64 = 5000

    private let generator: LoadGenerator
    private let flow = BenchFlow()
    private var producer: BenchProducer
    private var consumer: BenchConsumer
    private var times = Histogram<UInt64>(
        highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)
    private var time = Duration.zero
    private var message = 0
    /// The number of messages that did not come back.
    private(set) var lost = 0

    /// Opens the sockets.
    init(_ generator: LoadGenerator) throws {
        self.generator = generator
        consumer = try BenchConsumer(generator.target, generator.plan, in: generator.contexts.receiving)
        producer = try BenchProducer(
            generator.target, generator.plan, generator.load, in: generator.contexts.sending)
    }

    /// Waits until messages come back.
    func connect() throws {
        var hasSent = false
        let deadline = generator.deadline()
        while true {
            hasSent = try hasSent || producer.advanceConnection(flow)
            if try consumer.advanceConnection(flow) { return }
            try generator.retry("been reached", before: deadline)
        }
    }

    /// Whether the round has enough measurements.
    var isOver: Bool {
        let (least, most) = (generator.plan.seconds / 2, generator.plan.seconds * 2)
        return time >= .seconds(least) && (times.totalCount >= Self.enough || time >= .seconds(most))
    }

    /// Measures one turn: sends messages one at a time. The turn ends early if a message does not come back.
    func measure() throws {
        let begin = ContinuousClock.now
        if try exchange(Self.warmUpMessages, counts: false) { _ = try exchange(Self.turnMessages, counts: true) }
        time += ContinuousClock.now - begin
        try generator.checkCancellation()
    }

    /// Sends messages one at a time for at most ``patience``.
    ///
    /// - Parameters:
    ///   - count: The maximum number of messages.
    ///   - counts: Whether to record the round-trip times.
    /// - Returns: False if a message did not come back. The turn must then end, so that the run does not keep waiting
    ///   for a dead target.
    /// - Throws: `ZeroMQError`.
    private func exchange(_ count: Int, counts: Bool) throws -> Bool {
        let clock = ContinuousClock()
        let begin = clock.now
        for _ in 0..<count {
            let start = clock.now
            guard start - begin < Self.patience else { break }
            _ = try producer.send(message)
            message += 1
            var entries = try consumer.receive()
            while entries < generator.plan.streamsPerMessage, clock.now - start < .seconds(1) {
                entries += try consumer.receive()
            }
            guard entries >= generator.plan.streamsPerMessage else {
                lost += 1
                return false
            }
            if counts { times.record(UInt64((clock.now - start) / .nanoseconds(1))) }
        }
        return true
    }

    /// Returns a percentile of the round-trip times, in microseconds.
    ///
    /// - Parameter percentile: The percentile, from 0 to 100.
    /// - Returns: The time; 0 if no message came back.
    func microseconds(_ percentile: Double) -> Double { Double(times.valueAtPercentile(percentile)) / 1000 }
}
