import Recurrent
import Wire

/// Messages that were taken and wait to be decided on, each of another stream. Keeps its memory from batch to batch.
///
///     messages:  | message 0 | message 1 | …
///     values:    | timesteps of message 0, duplicates too | timesteps of message 1 | … | those of a message that is being taken
struct MessageBatch: ~Copyable {
    /// 40 bytes, so that a batch of them takes a third of the processor's first cache.
    struct Message: BitwiseCopyable {
        private let slotNumber: UInt32
        private let timesteps: UInt32
        /// The number of its first timestep.
        let first: UInt64
        private let duplicateTimesteps: UInt32
        /// The hash of its stream's id.
        let hash: UInt32
        private let firstValue: UInt32
        private let modelNumber: UInt16
        private let flagBits: UInt8
        private let later: UInt32
        /// Its number among the jobs of its model's ``StepBatch``, where it has one.
        fileprivate(set) var jobNumber: UInt32 = 0

        init(
            slot: Int, hash: UInt32, model: Int, numbers: SequenceNumbers, flags: TimestepHeader.Flags, count: Int,
            firstValue: Int, rest: Int
        ) {
            later = UInt32(rest)
            slotNumber = UInt32(slot)
            timesteps = UInt32(count)
            first = numbers.first
            duplicateTimesteps = UInt32(numbers.duplicates)
            self.hash = hash
            self.firstValue = UInt32(firstValue)
            modelNumber = UInt16(model)
            flagBits = UInt8(truncatingIfNeeded: flags.rawValue)
        }

        var slot: Int { Int(slotNumber) }
        var model: Int { Int(modelNumber) }
        /// How many timesteps it has, duplicates too.
        var count: Int { Int(timesteps) }
        /// How many of them, from the first on, were consumed already.
        var duplicates: Int { Int(duplicateTimesteps) }
        /// How many of them are new.
        var new: Int { count - duplicates }
        var flags: TimestepHeader.Flags { TimestepHeader.Flags(rawValue: UInt32(flagBits)) }
        var job: Int { Int(jobNumber) }
        /// How many timesteps come later in the message that this is a piece of; 0 for the last piece, and for a whole message.
        var rest: Int { Int(later) }

        /// Where its new timesteps stand among the batch's values.
        func newValues(features: Int) -> Range<Int> {
            let start = Int(firstValue) + duplicates * features
            return start..<(start + new * features)
        }
    }

    /// So many messages are enough to fill the lanes of every model again and again, and few enough that what they need
    /// stays in the processor's cache.
    static let maximumMessages = 256
    private static let maximumTimesteps = 16_384
    /// Multiply-adds of about a millisecond, so that large models do not hold up what else there is to do.
    private static let maximumWork = 20_000_000
    /// Multiply-adds of about 20 milliseconds, past which there are enough messages whether they fill the lanes or not. For each
    /// worker.
    private static let mostWork = 400_000_000
    /// Multiply-adds that take far longer than a look whether another message has come.
    private static let smallWork = 50_000
    /// Messages for each worker that fill its lanes, however much work they are.
    private static let messagesPerWorker = 32

    private var messages = GrowingBuffer<Message>()
    /// Floats of all messages; those past ``takenValues`` are of a message that is being taken, or was not.
    private var values = GrowingBuffer<Float>()
    /// Where the next message's values begin.
    private(set) var takenValues = 0
    /// No more messages can be added.
    private(set) var isFull = false
    private var timesteps = 0
    /// Multiply-adds of all messages.
    private(set) var work = 0
    private let fewestMessages: Int
    private let mostWork: Int

    /// - Parameter workers: How many threads share the work.
    init(workers: Int) {
        fewestMessages = Self.messagesPerWorker * workers
        mostWork = Self.mostWork * workers
    }

    /// Whether what is there is decided on before long.
    var isSmall: Bool { work < Self.smallWork }

    /// How many messages there are.
    var count: Int { messages.count }

    /// A message, in the order in which they were added.
    subscript(number: Int) -> Message {
        @inline(__always) get { messages[number] }
    }

    /// The messages from one on, up to the next that is of another model.
    func run(from first: Int) -> Range<Int> {
        let model = messages[first].model
        var end = first + 1
        while end < messages.count, messages[end].model == model { end += 1 }
        return first..<end
    }

    /// Makes room for the values of a message that is being taken.
    ///
    /// - Parameter count: How many they are.
    /// - Returns: Where they are written.
    @inline(__always)
    @_lifetime(&self)
    mutating func room(for count: Int) -> MutableSpan<Float> {
        values.resize(to: takenValues + count)
        return values[from: takenValues]
    }

    /// Takes over the values of a message that is being taken.
    mutating func put(_ values: Span<Float>) {
        self.values.resize(to: takenValues)
        self.values.append(values)
    }

    /// The values of the message that is being taken, shape (count, features).
    var incoming: Span<Float> {
        @inline(__always) @_lifetime(borrow self) get { values.span.extracting(takenValues...) }
    }

    /// The new timesteps of a message, shape (new, features).
    @inline(__always)
    @_lifetime(borrow self)
    func newValues(of message: Message, features: Int) -> Span<Float> {
        values.span.extracting(message.newValues(features: features))
    }

    /// Adds a message, with the values that were written last.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - workPerTimestep: Multiply-adds of its model for a timestep.
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

    /// Lets no more messages be added.
    mutating func close() { isFull = true }

    /// Says which job of its model's ``StepBatch`` a message has.
    @inline(__always)
    mutating func setJob(_ job: Int, of number: Int) { messages[number].jobNumber = UInt32(job) }

    /// Forgets the messages and keeps the memory.
    mutating func removeAll() {
        messages.removeAll()
        values.removeAll()
        takenValues = 0
        isFull = false
        timesteps = 0
        work = 0
    }
}
