import Foundation
import Glibc
import TestSupport
import Testing

/// The Prometheus programs in Debian's package `prometheus`.
enum Prometheus {
    static let promtool = "/usr/bin/promtool"
    static let server = "/usr/bin/prometheus"

    /// Whether the programs are installed. `tools/test` installs them.
    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: server) }

    /// Runs `promtool check metrics` on a daemon's reply.
    ///
    /// - Returns: The exit status and the complaints.
    static func check(_ metrics: String) throws -> (status: Int32, complaints: String) {
        let folder = try TemporaryFolder()
        let input = try folder.write(metrics, to: "metrics")
        let output = try folder.write("", to: "output")
        let process = Process()
        process.executableURL = URL(filePath: promtool)
        process.arguments = ["check", "metrics"]
        process.standardInput = try FileHandle(forReadingFrom: URL(filePath: input))
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: output))
        process.standardError = process.standardOutput
        try process.runOwningFiles()
        process.waitUntilExit()
        return (process.terminationStatus, try String(contentsOfFile: output, encoding: .utf8))
    }
}

/// A real Prometheus server that scrapes one daemon. The server is killed when its last reference is released.
final class RunningPrometheus {
    /// The address at which the server answers queries.
    let address: String
    private let folder: TemporaryFolder
    private let process = Process()

    init(scraping target: String) throws {
        folder = try TemporaryFolder()
        address = "127.0.0.1:\(FreePort.reserve(1)[0])"
        let configuration = """
            global: {scrape_interval: 200ms, scrape_timeout: 200ms}
            scrape_configs:
              - {job_name: sluice, static_configs: [{targets: ["\(target)"]}]}
            """
        process.executableURL = URL(filePath: Prometheus.server)
        process.arguments = [
            "--config.file=\(try folder.write(configuration, to: "prometheus.yml"))",
            // This undocumented option avoids a wait of 5 s before the first scrape.
            "--scrape.discovery-reload-interval=100ms",
            "--storage.tsdb.path=\(folder.path("data"))", "--web.listen-address=\(address)",
        ]
        let log = try folder.write("", to: "log")
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: URL(filePath: log))
        try process.runOwningFiles()
    }

    deinit {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// The log so far.
    var log: String { (try? String(contentsOf: folder.url("log"), encoding: .utf8)) ?? "" }

    /// Returns the result of a query for one series; nil if the series does not exist yet.
    func value(of query: String) throws -> String? {
        struct Answer: Decodable {
            struct Content: Decodable { let result: [Series] }
            struct Series: Decodable { let value: [Sample] }
            /// One part of a sample: the time as a number, or the value as a string.
            struct Sample: Decodable {
                let text: String?
                init(from decoder: any Decoder) throws {
                    text = try? decoder.singleValueContainer().decode(String.self)
                }
            }
            let data: Content
        }
        guard let reply = try? HTTPReply("GET", "/api/v1/query?query=\(query)", at: address), reply.status == 200 else {
            return nil
        }
        let answer = try JSONDecoder().decode(Answer.self, from: Data(reply.body.utf8))
        return answer.data.result.first?.value.last?.text
    }
}
