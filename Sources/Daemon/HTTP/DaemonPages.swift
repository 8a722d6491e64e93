import Foundation
import HTTPServer
import NIOCore
import NIOHTTP1
import Wire

/// The daemon's pages, by path. To add a page, add a line to ``site``.
struct DaemonPages: Sendable {
    /// The maximum time that the hot loop may take to answer. If it takes longer, it counts as stuck.
    static let answerBound = Duration.seconds(1)

    private let probe: HotLoopProbe
    private let mailbox: Mailbox
    private let configuration: HTTPConfiguration
    private let token: TokenGuard
    private let feed: HTTPEventFeed

    init(_ probe: HotLoopProbe, _ mailbox: Mailbox, _ configuration: HTTPConfiguration, _ token: TokenGuard) {
        self.probe = probe
        self.mailbox = mailbox
        self.configuration = configuration
        self.token = token
        feed = HTTPEventFeed { loop in PageStatus.event(from: probe, on: loop) }
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
        guard !probe.isLoading else { return loop.makeSucceededFuture(Self.loading(.serviceUnavailable)) }
        return ask(loop) { metrics in
            let text = metrics.prometheusText(residentBytes: ResidentMemory.bytes())
            return HTTPAnswer(.ok, type: PrometheusText.contentType, ByteBuffer(string: text))
        }
    }

    /// Answers whether the daemon is alive: either it is still loading its state, or the hot loop answers.
    private func health(_ request: HTTPRequest, _ loop: any EventLoop) -> EventLoopFuture<HTTPAnswer> {
        guard !probe.isLoading else { return loop.makeSucceededFuture(Self.loading(.ok)) }
        return ask(loop) { _ in .line(.ok, "ok") }
    }

    /// Answers whether the daemon accepts timesteps. The daemon accepts none while it is loading its state, while it is
    /// stopping, or if its state folder is gone or was replaced.
    private func readiness(_ request: HTTPRequest, _ loop: any EventLoop) -> EventLoopFuture<HTTPAnswer> {
        guard !probe.isLoading else { return loop.makeSucceededFuture(Self.loading(.serviceUnavailable)) }
        return ask(loop) { metrics in
            if metrics.isStopping { return .line(.serviceUnavailable, "stopping") }
            if let loss = metrics.status.stateFolderError { return .line(.serviceUnavailable, loss) }
            return .line(.ok, "ready")
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
        guard !probe.isLoading else { return loop.makeSucceededFuture(Self.loading(.serviceUnavailable)) }
        let pageCall = PageCall(on: loop)
        mailbox.post { loop in
            loop.requests.add(RawRequest(controller: .page(pageCall), hasDelimiter: false, body: [call.json]))
        }
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

    /// Asks the hot loop for its metrics, and builds an answer from them. If the loop does not reply in time, the
    /// answer says that the loop is stuck.
    private func ask(
        _ loop: any EventLoop, _ answer: @escaping @Sendable (DaemonMetrics) -> HTTPAnswer
    ) -> EventLoopFuture<HTTPAnswer> {
        probe.metrics(within: Self.answerBound, on: loop).map { $0.map(answer) ?? Self.stuck }
    }

    private static func loading(_ status: HTTPResponseStatus) -> HTTPAnswer { .line(status, "state is being loaded") }

    private static var stuck: HTTPAnswer {
        .line(.serviceUnavailable, "the hot loop did not answer within \(answerBound)")
    }
}
