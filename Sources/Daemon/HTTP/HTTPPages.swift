import NIOCore
import NIOHTTP1

/// The daemon's pages, by path. To add a page, add a line to ``all``.
struct HTTPPages: Sendable {
    typealias Page = @Sendable (any EventLoop) -> EventLoopFuture<HTTPAnswer>

    /// The maximum time that the hot loop may take to answer. If it takes longer, it counts as stuck.
    static let answerBound = Duration.seconds(1)
    private static let methods: [HTTPMethod] = [.GET, .HEAD]

    let probe: HotLoopProbe

    private var all: [(path: String, page: Page)] {
        [("/metrics", metrics), ("/healthz", health), ("/readyz", readiness)]
    }

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - method: The method. Only GET and HEAD are allowed.
    ///   - path: The path, without a query.
    ///   - loop: The event loop of the returned future.
    /// - Returns: The page, or an error that names the available pages or methods.
    func answer(
        _ method: HTTPMethod, _ path: some StringProtocol, on loop: any EventLoop
    ) -> EventLoopFuture<HTTPAnswer> {
        guard let page = all.first(where: { $0.path == path })?.page else {
            let known = all.map(\.path).joined(separator: ", ")
            return loop.makeSucceededFuture(.line(.notFound, "there is no such page; the pages are \(known)"))
        }
        guard Self.methods.contains(method) else {
            let allowed = Self.methods.map(\.rawValue).joined(separator: ", ")
            return loop.makeSucceededFuture(
                .line(.methodNotAllowed, "this page allows only \(allowed)", ["Allow": allowed]))
        }
        return page(loop)
    }

    /// The metrics, in the Prometheus text format:
    /// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.
    private func metrics(_ loop: any EventLoop) -> EventLoopFuture<HTTPAnswer> {
        guard !probe.isLoading else { return loop.makeSucceededFuture(Self.loading(.serviceUnavailable)) }
        return ask(loop) { metrics in
            let text = metrics.prometheusText(residentBytes: ResidentMemory.bytes())
            return HTTPAnswer(.ok, type: PrometheusText.contentType, text)
        }
    }

    /// Answers whether the daemon is alive: either it is still loading its state, or the hot loop answers.
    private func health(_ loop: any EventLoop) -> EventLoopFuture<HTTPAnswer> {
        guard !probe.isLoading else { return loop.makeSucceededFuture(Self.loading(.ok)) }
        return ask(loop) { _ in .line(.ok, "ok") }
    }

    /// Answers whether the daemon accepts timesteps. The daemon accepts none while it is loading its state, while it is
    /// stopping, or if its state folder is gone or was replaced.
    private func readiness(_ loop: any EventLoop) -> EventLoopFuture<HTTPAnswer> {
        guard !probe.isLoading else { return loop.makeSucceededFuture(Self.loading(.serviceUnavailable)) }
        return ask(loop) { metrics in
            if metrics.isStopping { return .line(.serviceUnavailable, "stopping") }
            if let loss = metrics.status.stateFolderError { return .line(.serviceUnavailable, loss) }
            return .line(.ok, "ready")
        }
    }

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
