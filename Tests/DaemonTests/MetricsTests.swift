import Testing

@testable import Daemon

/// Tests the latency histogram and the text format.
@Suite struct `The metrics` {
    /// Latencies in nanoseconds, each with the first bucket that counts the latency. A bucket is given by its upper
    /// bound in seconds.
    static let latencies: [(Int64, Double)] = [
        (-5, 1e-5), (0, 1e-5), (10_000, 1e-5), (10_001, 2e-5), (20_000, 2e-5), (20_001, 4e-5), (1_000_000, 0.00128),
        (10_485_760_000, 10.48576), (10_485_760_001, .infinity), (.max / 2, .infinity),
    ]

    @Test(arguments: latencies)
    func `a latency is counted from the first bucket that it fits into`(latency: Int64, bound: Double) {
        var histogram = LatencyHistogram()
        histogram.record(latency, count: 3)
        let buckets = histogram.cumulative
        #expect(buckets.first { $0.count > 0 }?.bound == bound)
        #expect(buckets.allSatisfy { $0.count == ($0.bound >= bound ? 3 : 0) })
        #expect(histogram.sum == Double(max(latency, 0)) * 3 / 1e9)
    }

    @Test func `bounds double from 10 µs to 10 s, and the last is infinite`() {
        let bounds = LatencyHistogram().cumulative.map(\.bound)
        #expect(bounds.count == 22 && bounds.first == 1e-5 && bounds.last == .infinity)
        for (lower, upper) in zip(bounds, bounds.dropFirst().dropLast()) {
            #expect(abs(upper / lower - 2) < 1e-12)
        }
    }

    @Test func `a count of zero decisions adds no latency`() {
        var histogram = LatencyHistogram()
        histogram.record(1_000_000, count: 0)
        #expect(histogram.cumulative.last?.count == 0 && histogram.sum == 0)
    }

    @Test func `names, help and values are written in Prometheus' format`() {
        var text = PrometheusText()
        text.write("a_total", .counter, "One\nline, a \\ and \"quotes\".", 12_345_678_901)
        text.write("b", .gauge, "Two.", [([("x", "a\"b\\c\nd"), ("y", "é")], 0.25), ([], .nan), ([], -.infinity)])
        text.write("c", .gauge, "Without a sample.", [])
        text.write(
            "d_seconds", "Three.", [PrometheusText.Histogram(buckets: [(1e-5, 1), (.infinity, 3)], sum: 0.5)])
        #expect(
            text.text == #"""
                # HELP a_total One\nline, a \\ and "quotes".
                # TYPE a_total counter
                a_total 12345678901
                # HELP b Two.
                # TYPE b gauge
                b{x="a\"b\\c\nd",y="é"} 0.25
                b NaN
                b -Inf
                # HELP d_seconds Three.
                # TYPE d_seconds histogram
                d_seconds_bucket{le="1e-05"} 1
                d_seconds_bucket{le="+Inf"} 3
                d_seconds_sum 0.5
                d_seconds_count 3

                """#)
    }
}
