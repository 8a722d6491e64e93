import Recurrent
import Wire

/// Admitted messages that wait for their decisions, at most one per stream. The capacity is kept from batch to batch.
///
///     messages:  | message 0 | message 1 | …
///     values:    | timesteps of message 0, duplicates too | timesteps of message 1 | … | timesteps of the incoming message
struct MessageBatch: ~Copyable {
    /// One message. The stride is 40 bytes, so that a full batch takes up a third of the processor's L1 cache.
    struct Message: BitwiseCopyable {
        private let slotNumber: UInt32
        private let timesteps: UInt32
        /// The sequence number of the message's first timestep.
        let first: UInt64
        private let duplicateTimesteps: UInt32
        private let firstValue: UInt32
        private let modelNumber: UInt16
        private let flagBits: UInt8
        private let later: UInt32
        /// The message's index among the jobs of its model's ``StepBatch``, if it has a job.
        private let jobNumber: UInt32

        init(
            slot: Int, model: Int, job: Int, numbers: SequenceNumbers, flags: TimestepHeader.Flags, count: Int,
            firstValue: Int, rest: Int
        ) {
            later = UInt32(rest)
            slotNumber = UInt32(slot)
            timesteps = UInt32(count)
            first = numbers.first
            duplicateTimesteps = UInt32(numbers.duplicates)
            jobNumber = UInt32(job)
            self.firstValue = UInt32(firstValue)
            modelNumber = UInt16(model)
            flagBits = UInt8(truncatingIfNeeded: flags.rawValue)
        }

        var slot: Int { Int(slotNumber) }
        var model: Int { Int(modelNumber) }
        /// The number of timesteps, including duplicates.
        var count: Int { Int(timesteps) }
        /// The number of leading timesteps that have already been consumed.
        var duplicates: Int { Int(duplicateTimesteps) }
        /// The number of new timesteps.
        var new: Int { count - duplicates }
        var flags: TimestepHeader.Flags { TimestepHeader.Flags(rawValue: UInt32(flagBits)) }
        var job: Int { Int(jobNumber) }
        /// If the message is a piece of a longer one, the number of timesteps that follow the piece; otherwise 0.
        var rest: Int { Int(later) }

        /// The range of the new timesteps' values within the values of the batch.
        func newValues(features: Int) -> Range<Int> {
            let start = Int(firstValue) + duplicates * features
            return start..<(start + new * features)
        }
    }

    /// The maximum number of messages in a batch. This many messages fill the lanes of any model many times over, while
    /// their data still fits in the processor's cache.
    static let maximumMessages = 256
    private static let maximumTimesteps = 16_384
    /// The number of multiply-adds that take about a millisecond. A batch with this much work is full as soon as it
    /// fills the lanes, so that a large model does not delay other work for long.
    private static let maximumWork = 20_000_000
    /// The number of multiply-adds that take one worker about 20 milliseconds. A batch with this much work is full even
    /// if it does not fill the lanes.
    private static let mostWork = 400_000_000
    /// The number of multiply-adds at which a batch no longer counts as small. That much work takes far longer than a
    /// check for another message.
    private static let smallWork = 50_000
    /// The number of messages that fill the lanes of one worker. The work of a smaller batch is limited only by
    /// ``mostWork``.
    private static let messagesPerWorker = 32

    private var messages = GrowingBuffer<Message>()
    /// The values of all messages. Values from ``takenValues`` on belong to the incoming message or to a message that
    /// was rejected.
    private var values = GrowingBuffer<Float>()
    /// The index of the next message's first value.
    private(set) var takenValues = 0
    /// Whether no more messages can be added.
    private(set) var isFull = false
    private var timesteps = 0
    /// The number of multiply-adds for all messages.
    private(set) var work = 0
    private let fewestMessages: Int
    private let mostWork: Int

    /// - Parameter workers: The number of threads that share the work.
    init(workers: Int) {
        fewestMessages = Self.messagesPerWorker * workers
        mostWork = Self.mostWork * workers
    }

    /// Whether the batch takes little time to decide.
    var isSmall: Bool { work < Self.smallWork }

    /// The number of messages.
    var count: Int { messages.count }

    /// The message at an index. Messages are in the order in which they were added.
    subscript(number: Int) -> Message {
        @inline(__always) get { messages[number] }
    }

    /// The range of consecutive messages of the same model that begins at an index.
    func run(from first: Int) -> Range<Int> {
        let model = messages[first].model
        var end = first + 1
        while end < messages.count, messages[end].model == model { end += 1 }
        return first..<end
    }

    /// Makes room for the values of the incoming message.
    ///
    /// - Parameter count: The number of values.
    /// - Returns: The space for the values.
    @inline(__always)
    @_lifetime(&self)
    mutating func room(for count: Int) -> MutableSpan<Float> {
        values.resize(to: takenValues + count)
        return values[from: takenValues]
    }

    /// Copies the values of the incoming message.
    mutating func put(_ values: Span<Float>) {
        self.values.resize(to: takenValues)
        self.values.append(values)
    }

    /// The values of the incoming message, shape (count, features).
    var incoming: Span<Float> {
        @inline(__always) @_lifetime(borrow self) get { values.span.extracting(takenValues...) }
    }

    /// The values of all messages, indexed by ``Message/newValues(features:)``.
    var allValues: Span<Float> {
        @inline(__always) @_lifetime(borrow self) get { values.span }
    }

    /// The new timesteps of a message, shape (new, features).
    @inline(__always)
    @_lifetime(borrow self)
    func newValues(of message: Message, features: Int) -> Span<Float> {
        values.span.extracting(message.newValues(features: features))
    }

    /// Adds the incoming message. Its values must already have been written.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - workPerTimestep: The number of multiply-adds that the model needs per timestep.
    @inline(__always)
    mutating func append(_ message: Message, work workPerTimestep: Int) {
        messages.append(message)
        takenValues = values.count
        timesteps += message.count
        work += message.count * workPerTimestep
        if messages.count >= Self.maximumMessages || timesteps >= Self.maximumTimesteps
            || (work >= Self.maximumWork && (messages.count >= fewestMessages || work >= mostWork))
        {
            isFull = true
        }
    }

    mutating func close() { isFull = true }

    /// Removes the messages and keeps the capacity.
    mutating func removeAll() {
        messages.removeAll()
        values.removeAll()
        takenValues = 0
        isFull = false
        timesteps = 0
        work = 0
    }
}
