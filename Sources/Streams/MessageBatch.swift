import Wire

/// Messages that were taken and wait to be decided on, each of another stream. Keeps its memory from batch to batch.
///
/// What takes or gives a message is inlined: one that is written value by value and read again as a whole at once, as to hand
/// it on, keeps the processor waiting.
struct MessageBatch {
    struct Message {
        let slot: Int
        let model: Int
        let numbers: SequenceNumbers
        let flags: TimestepHeader.Flags
        /// How many timesteps it has, duplicates too.
        let count: Int
        /// Its number among the jobs of its model's ``StepBatch``, where it has one.
        let job: Int
    }

    /// So many messages are enough to fill the lanes of every model again and again, and few enough that what they need
    /// stays in the processor's cache.
    private static let maximumMessages = 256
    private static let maximumTimesteps = 16_384
    /// Multiply-adds of about a millisecond, so that large models do not hold up what else there is to do.
    private static let maximumWork = 20_000_000
    /// Messages for each worker that fill its lanes, however much work they are.
    private static let messagesPerWorker = 32

    private(set) var messages: [Message] = []
    /// No more messages can be added.
    private(set) var isFull = false
    private var timesteps = 0
    private var work = 0
    private var decided = 0
    private let fewestMessages: Int

    /// - Parameter workers: How many threads share the work.
    init(workers: Int) {
        fewestMessages = Self.messagesPerWorker * workers
    }

    /// - Parameters:
    ///   - message: The message.
    ///   - parameters: The weights of its model, each of which is multiplied with for each timestep.
    @inline(__always)
    mutating func append(_ message: Message, parameters: Int) {
        messages.append(message)
        timesteps += message.count
        work += message.count * parameters
        if messages.count >= Self.maximumMessages || timesteps >= Self.maximumTimesteps
            || (work >= Self.maximumWork && messages.count >= fewestMessages)
        {
            isFull = true
        }
    }

    /// Adds a message that must be the batch's last.
    mutating func appendLast(_ message: Message) {
        append(message, parameters: 0)
        isFull = true
    }

    /// The model of the next message; nil where there is none.
    var nextModel: Int? { decided < messages.count ? messages[decided].model : nil }

    /// Each message once, in the order in which they were added, as long as they are of one model; then nil.
    @inline(__always)
    mutating func next(of model: Int) -> Message? {
        guard decided < messages.count, messages[decided].model == model else { return nil }
        decided += 1
        return messages[decided - 1]
    }

    /// Forgets the messages and keeps the memory.
    mutating func removeAll() {
        messages.removeAll(keepingCapacity: true)
        isFull = false
        timesteps = 0
        work = 0
        decided = 0
    }
}
