extension StreamTable {
    /// The position of one stream in its sequence, and the row that holds its state in its model's memory.
    ///
    /// The size must stay at 32 bytes, because there may be millions of streams.
    struct Stream: BitwiseCopyable {
        fileprivate struct Marks: OptionSet {
            let rawValue: UInt8
            static let hasLabel = Marks(rawValue: 1 << 0)
            static let gapPending = Marks(rawValue: 1 << 1)
            static let isInBatch = Marks(rawValue: 1 << 2)
            static let isSeenIdle = Marks(rawValue: 1 << 3)
            static let isPaused = Marks(rawValue: 1 << 4)
            static let waits = Marks(rawValue: 1 << 5)
            static let isAsleep = Marks(rawValue: 1 << 6)
            static let phase = Marks(rawValue: 1 << 7)

            /// The marks that keep a stream off the fast path. The fast path also excludes streams whose phase differs
            /// from the table's.
            static let slow: Marks = [.isPaused, .waits, .isAsleep, .phase]
        }

        /// One of two alternating phases. A stream that is in the same phase as the table has been reached by all
        /// operations.
        struct Phase {
            fileprivate private(set) var marks: Marks = []

            mutating func flip() { marks.formSymmetricDifference(.phase) }
        }

        var sequence: UInt64 = 0
        var step: UInt64 = 0
        var time: Int64 = 0
        private var rowNumber: UInt32
        private let modelNumber: UInt16
        private var lastLabel: UInt8 = 0
        private var marks: Marks = []

        init(model: Int, row: Int, _ phase: Phase) {
            modelNumber = UInt16(model)
            rowNumber = UInt32(row)
            marks = phase.marks
        }

        var model: Int { Int(modelNumber) }
        var row: Int {
            get { Int(rowNumber) }
            set {
                rowNumber = UInt32(newValue)
                set(.isAsleep, newValue == Self.noRow)
            }
        }

        /// Counts one more timestep since the last reset. The count saturates, because an imported stream may begin at
        /// any step.
        mutating func countStep() {
            if step < .max { step += 1 }
        }

        /// The ``row`` of a hibernating stream, whose state is in the store and not in memory.
        static let noRow = Int(UInt32.max)
        var isAsleep: Bool { row == Self.noRow }

        /// The label of the last decision; nil before the first.
        var label: UInt8? {
            get { marks.contains(.hasLabel) ? lastLabel : nil }
            set {
                lastLabel = newValue ?? 0
                if newValue == nil { marks.remove(.hasLabel) } else { marks.insert(.hasLabel) }
            }
        }

        /// Whether a message of the stream is in the current batch.
        var isInBatch: Bool {
            get { marks.contains(.isInBatch) }
            set { set(.isInBatch, newValue) }
        }

        /// Whether the stream was seen idle and has had no decision since. A mark is stored instead of a time, so that
        /// the hot path need not read a clock.
        var isSeenIdle: Bool {
            get { marks.contains(.isSeenIdle) }
            set { if newValue { marks.insert(.isSeenIdle) } else { marks.remove(.isSeenIdle) } }
        }

        /// Ends a batch that contained a message of the stream. From then on, the next message may be admitted, and the
        /// stream does not count as idle.
        mutating func endBatch(at time: Int64) {
            marks.subtract([.isInBatch, .isSeenIdle])
            self.time = time
        }

        /// Whether the stream has a gap that no published decision has reported yet.
        var gapPending: Bool {
            get { marks.contains(.gapPending) }
            set { set(.gapPending, newValue) }
        }

        /// Whether the stream's timesteps wait until a controller resumes the stream.
        var isPaused: Bool {
            get { marks.contains(.isPaused) }
            set { set(.isPaused, newValue) }
        }

        /// Whether the stream has an entry among the waiting timesteps.
        var waits: Bool {
            get { marks.contains(.waits) }
            set { set(.waits, newValue) }
        }

        /// Whether a timestep can be admitted at once: no other timestep is queued ahead of it, the state is in memory,
        /// and no operation in progress still has to reach the stream.
        @inline(__always)
        func isReady(in phase: Phase) -> Bool { marks.intersection(.slow) == phase.marks }

        /// Whether the stream has been reached by the operation that began with the phase.
        func isReached(in phase: Phase) -> Bool { marks.intersection(.phase) == phase.marks }

        /// Marks the stream as not yet reached by the operation that began with the phase.
        mutating func leave(_ phase: Phase) {
            reach(phase)
            marks.formSymmetricDifference(.phase)
        }

        mutating func reach(_ phase: Phase) {
            marks.remove(.phase)
            marks.formUnion(phase.marks)
        }

        @inline(__always)
        private mutating func set(_ mark: Marks, _ isSet: Bool) {
            if isSet { marks.insert(mark) } else { marks.remove(mark) }
        }
    }
}
