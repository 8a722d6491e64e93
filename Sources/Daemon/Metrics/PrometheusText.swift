/// Writes the Prometheus text format, version 0.0.4:
/// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.
struct PrometheusText {
    /// The media type of the format.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    enum Kind: String {
        case counter, gauge, histogram
    }

    /// The label names and values of one sample, in the order in which they are written.
    typealias Labels = [(name: String, value: String)]

    private(set) var text = ""

    /// Writes a metric with one sample and no labels.
    mutating func write(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        write(name, kind, help, [([], value)])
    }

    /// Writes a metric with its samples. Writes nothing if there are no samples.
    mutating func write(_ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: Labels, value: Double)]) {
        guard !samples.isEmpty else { return }
        writeHead(name, kind, help)
        for (labels, value) in samples { writeSample(name, labels, value) }
    }

    /// One histogram of a metric.
    struct Histogram {
        var labels: Labels = []
        /// The upper bounds, each with the number of values that are at most the bound. The last bound is infinite.
        let buckets: [(bound: Double, count: UInt64)]
        /// The sum of all values.
        let sum: Double
    }

    /// Writes a metric with its histograms. Writes nothing if there are none.
    ///
    /// - Parameters:
    ///   - name: The name of the metric, without the suffixes of its samples.
    ///   - help: A description of the metric.
    ///   - histograms: The histograms. No two have the same labels.
    mutating func write(_ name: String, _ help: String, _ histograms: [Histogram]) {
        guard !histograms.isEmpty else { return }
        writeHead(name, .histogram, help)
        for histogram in histograms {
            for (bound, count) in histogram.buckets {
                writeSample("\(name)_bucket", histogram.labels + [("le", Self.number(bound))], Double(count))
            }
            writeSample("\(name)_sum", histogram.labels, histogram.sum)
            writeSample("\(name)_count", histogram.labels, Double(histogram.buckets.last?.count ?? 0))
        }
    }

    private mutating func writeHead(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func writeSample(_ name: String, _ labels: Labels, _ value: Double) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0)=\"\(Self.escaped($1).replacing("\"", with: "\\\""))\"" }
            text += "{\(pairs.joined(separator: ","))}"
        }
        text += " \(Self.number(value))\n"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }

    /// Writes a number in a form that Go's parser can read. A whole number has no fraction.
    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }
}
