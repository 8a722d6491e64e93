extension StreamTable {
    /// One stream's place in its sequence. Its state stands in `row` of its model's pool.
    ///
    /// 32 bytes, as there may be millions.
    struct Stream: BitwiseCopyable {
        private struct Marks: OptionSet {
            let rawValue: UInt8
            static let hasLabel = Marks(rawValue: 1 << 0)
            static let gapPending = Marks(rawValue: 1 << 1)
            static let isInBatch = Marks(rawValue: 1 << 2)
            static let isSeenIdle = Marks(rawValue: 1 << 3)
        }

        var sequence: UInt64 = 0
        var step: UInt64 = 0
        var time: Int64 = 0
        private var rowNumber: UInt32
        private let modelNumber: UInt16
        private var lastLabel: UInt8 = 0
        private var marks: Marks = []

        init(model: Int, row: Int) {
            modelNumber = UInt16(model)
            rowNumber = UInt32(row)
        }

        var model: Int { Int(modelNumber) }
        var row: Int {
            get { Int(rowNumber) }
            set { rowNumber = UInt32(newValue) }
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
            set { if newValue { marks.insert(.isInBatch) } else { marks.remove(.isInBatch) } }
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
            set { if newValue { marks.insert(.gapPending) } else { marks.remove(.gapPending) } }
        }
    }
}
