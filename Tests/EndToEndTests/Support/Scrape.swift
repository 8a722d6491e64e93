import Foundation
import TestSupport
import Testing

/// The values of one scrape, by the metric's name and labels, exactly as in the text.
struct Scrape {
    let text: String
    private let samples: [String: Double]

    init(_ daemon: DaemonProcess) throws {
        let reply = try HTTPReply("GET", "/metrics", at: daemon.http)
        try #require(reply.status == 200, "\(reply.body)")
        #expect(reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        text = reply.body
        samples = Dictionary(
            text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
                guard let blank = line.lastIndex(of: " ") else { return nil }
                return (String(line[..<blank]), Double(line[line.index(after: blank)...]) ?? .nan)
            }, uniquingKeysWith: { _, _ in .nan })
    }

    subscript(name: String) -> Double? { samples[name] }

    /// Returns the sum of a metric's samples, whatever their labels.
    func sum(_ name: String) -> Double {
        samples.filter { $0.key == name || $0.key.hasPrefix("\(name){") }.reduce(0) { $0 + $1.value }
    }

    /// The counts of the latency histogram's buckets, in the order of the text.
    var buckets: [Double] {
        text.split(separator: "\n").filter { $0.hasPrefix("sluice_decision_latency_seconds_bucket") }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
    }
}
