/// The latencies of decisions, in buckets whose bounds double. The hot loop owns the histogram.
///
/// The histogram takes up about 200 bytes, and recording a latency takes only a few instructions.
struct LatencyHistogram: Sendable {
    /// The upper bound of the first bucket, in nanoseconds. Each of the other bounds is twice the previous one.
    private static let firstBound: Int64 = 10_000
    /// The number of finite bounds, which run from 10 µs to 10.5 s. All longer latencies share one more bucket.
    private static let boundCount = 21

    /// The number of decisions in each bucket.
    private var counts = InlineArray<22, UInt64>(repeating: 0)
    /// The sum of all latencies, in nanoseconds.
    private var nanoseconds: UInt64 = 0

    /// Adds decisions that have the same latency.
    ///
    /// - Parameters:
    ///   - latency: The latency in nanoseconds. A negative latency counts as 0.
    ///   - count: The number of decisions.
    mutating func record(_ latency: Int64, count: Int) {
        guard count > 0 else { return }
        let latency = max(latency, 0)
        counts[Self.bucket(of: latency)] &+= UInt64(count)
        nanoseconds &+= UInt64(latency) &* UInt64(count)
    }

    /// Returns the first bucket whose bound is at least `latency`.
    private static func bucket(of latency: Int64) -> Int {
        guard latency > firstBound else { return 0 }
        let doublings = Int64.bitWidth - ((latency - 1) / firstBound).leadingZeroBitCount
        return min(doublings, boundCount)
    }

    /// The sum of all latencies, in seconds.
    var sum: Double { Double(nanoseconds) / 1e9 }

    /// The bounds in seconds, each with the number of decisions whose latency is at most the bound. The last bound is
    /// infinite.
    var cumulative: [(bound: Double, count: UInt64)] {
        var total: UInt64 = 0
        return counts.indices.map { index in
            total += counts[index]
            let bound = Double(Self.firstBound << Int64(index)) / 1e9
            return (index < Self.boundCount ? bound : .infinity, total)
        }
    }
}
