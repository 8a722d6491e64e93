extension StreamTable {
    /// One stream's place in its sequence. Its state stands in `row` of its model's pool.
    ///
    /// 32 bytes, as there may be millions.
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

            /// A stream with one of these, or of another phase than the table, is not taken a timestep of at once.
            static let slow: Marks = [.isPaused, .waits, .isAsleep, .phase]
        }

        /// Which of two phases a stream or a table is in: the same, where the stream is as all operations have left it.
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

        /// One more timestep since the last reset. An imported stream may claim any number of them: the last stays.
        mutating func countStep() {
            if step < .max { step += 1 }
        }

        /// The ``row`` of a stream whose state is in the store and not in memory.
        static let noRow = Int(UInt32.max)
        var isAsleep: Bool { row == Self.noRow }

        /// That of the last decision; nil before the first.
        var label: UInt8? {
            get { marks.contains(.hasLabel) ? lastLabel : nil }
            set {
                lastLabel = newValue ?? 0
                if newValue == nil { marks.remove(.hasLabel) } else { marks.insert(.hasLabel) }
            }
        }

        /// A message of it waits to be decided on.
        var isInBatch: Bool {
            get { marks.contains(.isInBatch) }
            set { set(.isInBatch, newValue) }
        }

        /// The stream was looked at for being idle, and no timestep was decided on since. A mark and not a clock, so that the hot
        /// path need not read one.
        var isSeenIdle: Bool {
            get { marks.contains(.isSeenIdle) }
            set { if newValue { marks.insert(.isSeenIdle) } else { marks.remove(.isSeenIdle) } }
        }

        /// A message of the stream was decided on: the next may be taken, and the stream is not idle.
        mutating func endBatch(at time: Int64) {
            marks.subtract([.isInBatch, .isSeenIdle])
            self.time = time
        }

        /// A jump ahead was seen that no published decision has told of yet.
        var gapPending: Bool {
            get { marks.contains(.gapPending) }
            set { set(.gapPending, newValue) }
        }

        /// Its timesteps wait until a controller lets it go on.
        var isPaused: Bool {
            get { marks.contains(.isPaused) }
            set { set(.isPaused, newValue) }
        }

        /// Timesteps of it wait, or will: it has an entry among those that wait.
        var waits: Bool {
            get { marks.contains(.waits) }
            set { set(.waits, newValue) }
        }

        /// Whether a timestep is taken at once: nothing waits before it, its state is in memory, and no operation has to
        /// reach the stream first.
        @inline(__always)
        func isReady(in phase: Phase) -> Bool { marks.intersection(.slow) == phase.marks }

        /// Whether the operation that began with a phase has reached it.
        func isReached(in phase: Phase) -> Bool { marks.intersection(.phase) == phase.marks }

        /// Has the operation that began with a phase not have reached it.
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
