import Streams

/// The count of streams by label, for metrics and the live page. It is renewed only while somebody asks for it.
struct LabelCensus {
    /// The time between two counts, in nanoseconds.
    private static let interval: Int64 = 5_000_000_000

    /// For each model, the number of streams by label at the end of the last count; nil before the first one.
    private(set) var counts: [[UInt64]]?
    private var isRunning = false
    private var nextTime = Int64.min

    /// Returns whether a count must begin now, and notes that it begins.
    mutating func begins(at now: Int64) -> Bool {
        guard !isRunning, now >= nextTime else { return false }
        isRunning = true
        nextTime = now + Self.interval
        return true
    }

    /// Notes the result of a count.
    mutating func end(_ counts: [[UInt64]]) {
        self.counts = counts
        isRunning = false
    }
}

extension HotLoop {
    /// The number of slots to look at in one go, which takes about 0.2 ms.
    private static let slotsPerSlice = 16_384

    /// Begins to count the streams by label, if the last count is old. The loop goes on with timesteps between slices.
    mutating func countLabels() {
        guard census.begins(at: SteadyClock.now()) else { return }
        countLabels(table.beginLabelCount())
    }

    private mutating func countLabels(_ count: LabelCount) {
        var count = count
        if let counts = table.goOn(with: &count, slots: Self.slotsPerSlice) { return census.end(counts) }
        // A reload may replace the models in between, but never their number.
        mailbox.post { [count] loop in loop.countLabels(count) }
    }
}
