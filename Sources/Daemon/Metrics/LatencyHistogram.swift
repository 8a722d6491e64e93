/// How long decisions took, in buckets that double: some 200 bytes, and a few instructions for each entry. Owned by the
/// hot loop.
struct LatencyHistogram: Sendable {
    /// The upper bound of the first bucket, in nanoseconds. Each bucket's is twice that of the one before.
    private static let firstBound: Int64 = 10_000
    /// 10 µs to 10.5 s; what took longer has a bucket of its own.
    private static let boundCount = 21

    /// How many decisions took so long, by bucket.
    private var counts = InlineArray<22, UInt64>(repeating: 0)
    /// Nanoseconds that all of them took together.
    private var nanoseconds: UInt64 = 0

    /// Adds decisions that took as long as one another.
    ///
    /// - Parameters:
    ///   - latency: Nanoseconds. Below 0, as after the clock was set back, counts as 0.
    ///   - count: How many decisions.
    mutating func record(_ latency: Int64, count: Int) {
        guard count > 0 else { return }
        let latency = max(latency, 0)
        counts[Self.bucket(of: latency)] &+= UInt64(count)
        nanoseconds &+= UInt64(latency) &* UInt64(count)
    }

    /// The first bucket whose bound is not below a latency.
    private static func bucket(of latency: Int64) -> Int {
        guard latency > firstBound else { return 0 }
        let doublings = Int64.bitWidth - ((latency - 1) / firstBound).leadingZeroBitCount
        return min(doublings, boundCount)
    }

    /// What they took together, in seconds.
    var sum: Double { Double(nanoseconds) / 1e9 }

    /// Every bound in seconds, the last infinite, with how many decisions took at most so long.
    var cumulative: [(bound: Double, count: UInt64)] {
        var total: UInt64 = 0
        return counts.indices.map { index in
            total += counts[index]
            let bound = Double(Self.firstBound << Int64(index)) / 1e9
            return (index < Self.boundCount ? bound : .infinity, total)
        }
    }
}
