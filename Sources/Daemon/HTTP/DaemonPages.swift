import Foundation
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import Wire

/// The daemon's pages, by path. To add a page, add a line to ``site``.
struct DaemonPages: Sendable {
    /// The maximum time for a report. A source that takes longer counts as stuck.
    static let answerBound = Duration.seconds(1)

    private let source: any PageSource
    private let configuration: HTTPConfiguration
    private let token: TokenGuard
    private let feed: HTTPEventFeed

    init(_ source: any PageSource, _ configuration: HTTPConfiguration, _ token: TokenGuard) {
        self.source = source
        self.configuration = configuration
        self.token = token
        feed = HTTPEventFeed { loop in PageStatus.event(from: source, on: loop) }
    }

    /// Opens the server.
    ///
    /// - Parameter logger: The daemon's log.
    /// - Returns: The server; nil if HTTP is off.
    /// - Throws: ``DaemonError`` if the server cannot listen at its endpoint.
    func open(logger: Logger) throws(DaemonError) -> HTTPListener? {
        do throws(HTTPServerError) {
            return try HTTPListener(at: configuration.endpoint, site, logger: logger) {
                ThreadName.take("sluice-http")
            }
        } catch {
            let remedy = error.code == .inUse ? "; give another one with --http HOST:PORT, or --http off" : ""
            throw DaemonError(error.code == .inUse ? .inUse : .cannotCreate, error.description + remedy)
        }
    }

    /// The pages.
    var site: HTTPSite {
        HTTPSite(
            [
                .page("/metrics", metrics), .page("/healthz", health), .page("/readyz", readiness),
                .data("/api/page", facts), .data("/api/events", feed.answer),
                .action("/api/call", maximumBody: PageRequest.maximumBody, call),
            ] + HTTPPage.files(home: .daemon), hosts: configuration.hosts
        ) { host in
            "sluiced does not answer for '\(host)': start it with --http-host \(host), or use its address"
        }
    }

    // MARK: Metrics and health

    /// The metrics, in the Prometheus text format:
    /// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.
    private func metrics(_ request: HTTPRequest, _ loop: any EventLoop) -> EventLoopFuture<HTTPAnswer> {
        guard !source.isLoading else { return loop.makeSucceededFuture(Self.loading(.serviceUnavailable)) }
        return ask(loop) { metrics in
            let text = metrics.prometheusText(residentBytes: ResidentMemory.bytes())
            return HTTPAnswer(.ok, type: PrometheusText.contentType, ByteBuffer(string: text))
        }
    }

    /// Answers whether the daemon is alive: either it is still loading its state, or its threads report.
    private func health(_ request: HTTPRequest, _ loop: any EventLoop) -> EventLoopFuture<HTTPAnswer> {
        guard !source.isLoading else { return loop.makeSucceededFuture(Self.loading(.ok)) }
        return ask(loop) { metrics in
            metrics.stuckThread.map { .line(.serviceUnavailable, $0) } ?? .line(.ok, "ok")
        }
    }

    /// Answers whether the daemon accepts timesteps. The daemon accepts none while it is loading its state, and for the
    /// reasons of ``DaemonMetrics/unreadiness``.
    private func readiness(_ request: HTTPRequest, _ loop: any EventLoop) -> EventLoopFuture<HTTPAnswer> {
        guard !source.isLoading else { return loop.makeSucceededFuture(Self.loading(.serviceUnavailable)) }
        return ask(loop) { metrics in
            metrics.unreadiness.map { .line(.serviceUnavailable, $0) } ?? .line(.ok, "ready")
        }
    }

    // MARK: The live page

    /// Answers with the facts that the live page needs once.
    private func facts(_ request: HTTPRequest, _ loop: any EventLoop) -> EventLoopFuture<HTTPAnswer> {
        let facts: JSONValue = .object([
            "control": .bool(token.isOn), "version": .string(Version.current),
            "host": .string(request.head.headers["host"].first ?? ""),
        ])
        let json = (try? JSONEncoder().encode(facts)) ?? Data()
        return loop.makeSucceededFuture(HTTPAnswer(.ok, type: Self.json, ByteBuffer(bytes: json)))
    }

    /// Carries out a control request.
    private func call(_ request: HTTPRequest, _ loop: any EventLoop) -> EventLoopFuture<HTTPAnswer> {
        let type = request.head.headers["content-type"].first?.prefix { $0 != ";" }
        guard type == Substring(Self.json) else {
            return loop.makeSucceededFuture(
                .line(.unsupportedMediaType, "the request needs the header 'Content-Type: \(Self.json)'"))
        }
        guard let call = PageRequest(request.body) else {
            return loop.makeSucceededFuture(
                .line(.badRequest, #"the body must be {"method": "...", "params": {...}}"#))
        }
        if let refusal = refusal(of: call, in: request) { return loop.makeSucceededFuture(refusal) }
        guard !source.isLoading else { return loop.makeSucceededFuture(Self.loading(.serviceUnavailable)) }
        let pageCall = PageCall(on: loop)
        source.carryOut(RawRequest(controller: .page(pageCall), hasDelimiter: false, body: [call.json]))
        return pageCall.answer.map { json in
            guard let json else {
                return .line(.gatewayTimeout, "the daemon did not answer within \(PageCall.answerBound)")
            }
            return HTTPAnswer(.ok, type: Self.json, ByteBuffer(bytes: json))
        }
    }

    /// Returns the answer to a page that may not use the method; nil if it may.
    private func refusal(of call: PageRequest, in request: HTTPRequest) -> HTTPAnswer? {
        if let method = call.method, PageRequest.reporting.contains(method) { return nil }
        guard let method = call.method, PageRequest.guarded.contains(method) else {
            let allowed = (PageRequest.reporting + PageRequest.guarded).map(\.rawValue).joined(separator: ", ")
            return .line(.forbidden, "a page may not use this method; the methods for pages are \(allowed)")
        }
        let authorization = request.head.headers["authorization"].first
        return switch token.verdict(on: authorization, from: request.address) {
        case .allowed: nil
        case .readOnly:
            .line(.forbidden, "pages may change nothing here: start sluiced with --http-control FILE to allow it")
        case .noToken:
            .line(
                .unauthorized, "this needs the token in the file of --http-control", ["WWW-Authenticate": "Bearer"])
        case .wrongToken:
            .line(
                .unauthorized, "this is not the token in the file of --http-control", ["WWW-Authenticate": "Bearer"])
        }
    }

    // MARK: Answers

    private static let json = "application/json"

    /// Asks for the metrics, and builds an answer from them. If they do not come in time, the answer names the thread
    /// that is stuck.
    private func ask(
        _ loop: any EventLoop, _ answer: @escaping @Sendable (DaemonMetrics) -> HTTPAnswer
    ) -> EventLoopFuture<HTTPAnswer> {
        source.metrics(within: Self.answerBound, on: loop).map { [source] metrics in
            metrics.map(answer)
                ?? .line(.serviceUnavailable, "\(source.reporter) did not answer within \(Self.answerBound)")
        }
    }

    private static func loading(_ status: HTTPResponseStatus) -> HTTPAnswer { .line(status, "state is being loaded") }
}
