import HTTPServer
import Logging
import NIOCore

/// The live page of `fit` and `compare`: a small HTTP server that shows loss and metrics as they come.
///
/// The training only records its progress. Once a second, the server's thread makes one event for all open pages.
struct LiveTraining {
    /// The time to wait at the end for pages that have not read the last event.
    private static let patience = Duration.seconds(2)

    let progress: LiveProgress
    private let feed: HTTPEventFeed
    private let server: HTTPListener

    /// Opens the page and tells its address on standard error. Returns nil if no page is wanted.
    ///
    /// - Parameters:
    ///   - endpoint: The address on this machine; nil for no page.
    ///   - progress: The progress to show.
    /// - Throws: ``ClientError`` if the server cannot listen at the endpoint.
    init?(at endpoint: HTTPEndpoint?, _ progress: LiveProgress) throws(ClientError) {
        guard let endpoint else { return nil }
        self.progress = progress
        let feed = HTTPEventFeed { loop in loop.makeCompletedFuture { try progress.event } }
        self.feed = feed
        let site = HTTPSite([.data("/api/events", feed.answer)] + HTTPPage.files(home: .training), hosts: []) { host in
            "sluice does not answer for '\(host)': use the address \(endpoint) or localhost"
        }
        let logger = Logger(label: "sluice") { _ in SwiftLogNoOpLogHandler() }
        do throws(HTTPServerError) {
            guard let server = try HTTPListener(at: endpoint, site, logger: logger) else { return nil }
            self.server = server
        } catch {
            let isInUse = error.code == .inUse
            throw ClientError(
                isInUse ? .temporary : .cannotCreate,
                "\(error)" + (isInUse ? "; give another one, such as --live=127.0.0.1:*" : ""))
        }
        var output = StandardStream.error
        try output.writeLine("the training is shown at http://\(server.place)/")
    }

    /// Shows the end of the training, waits a moment until the open pages have it, and closes the server.
    ///
    /// - Parameters:
    ///   - end: Whether the training is complete.
    ///   - message: The outcome, for people; nil if there is nothing to add.
    ///   - results: The results of a comparison.
    func close(_ end: LiveProgress.End, _ message: String?, results: LiveProgress.Table? = nil) {
        progress.end(end, message, results: results)
        if let event = try? progress.event { feed.end(with: event, within: Self.patience) }
        server.close()
    }

    /// Carries out a training, and shows how it ends.
    ///
    /// - Parameters:
    ///   - live: The page, if there is one.
    ///   - training: The training. It returns the outcome for the page.
    /// - Throws: The error of the training.
    static func showing(
        _ live: LiveTraining?,
        _ training: () throws(ClientError) -> (message: String?, results: LiveProgress.Table?)
    ) throws(ClientError) {
        do throws(ClientError) {
            let outcome = try training()
            live?.close(.finished, outcome.message, results: outcome.results)
        } catch {
            live?.close(.stopped, error.message)
            throw error
        }
    }
}
