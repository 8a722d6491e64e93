import FlyingFox
import Foundation

/// What the daemon answers at which path. A page more is a line more in ``all``.
struct HTTPPages: Sendable {
    typealias Page = @Sendable (HTTPRequest) async -> HTTPResponse

    /// How long the hot loop may take to answer before it counts as stuck.
    static let answerBound = Duration.seconds(1)
    private static let methods: [HTTPMethod] = [.GET, .HEAD]

    let probe: HotLoopProbe

    private var all: [(path: String, page: Page)] {
        [("/metrics", metrics), ("/healthz", health), ("/readyz", readiness)]
    }

    /// Puts every page in its place, and an error everywhere else.
    func install(on server: HTTPServer) async {
        for (path, page) in all {
            await server.appendRoute(path, for: Self.methods) { request in
                Self.withoutBodyIfHead(await page(request), request.method)
            }
            await server.appendRoute(HTTPRoute(path)) { _ in
                let allowed = Self.methods.map(\.rawValue).joined(separator: ", ")
                return HTTPResponse(statusCode: .methodNotAllowed, headers: HTTPHeaders([HTTPHeader("Allow"): allowed]))
            }
        }
        let known = all.map(\.path).joined(separator: ", ")
        await server.appendRoute("*") { _ in Self.text(.notFound, "there is no such page; there are \(known)") }
    }

    /// For Prometheus: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.
    private func metrics(_: HTTPRequest) async -> HTTPResponse {
        guard !probe.isLoading else { return Self.loading(.serviceUnavailable) }
        guard let metrics = await probe.metrics(within: Self.answerBound) else { return Self.stuck }
        let text = metrics.prometheusText(residentBytes: ResidentMemory.bytes())
        return HTTPResponse(
            statusCode: .ok, headers: [.contentType: PrometheusText.contentType], body: Data(text.utf8))
    }

    /// Whether the daemon lives: while state is loaded, and while the hot loop answers.
    private func health(_: HTTPRequest) async -> HTTPResponse {
        guard !probe.isLoading else { return Self.loading(.ok) }
        return await probe.metrics(within: Self.answerBound) == nil ? Self.stuck : Self.text(.ok, "ok")
    }

    /// Whether the daemon takes timesteps: not before its state is loaded, and not once it stops.
    private func readiness(_: HTTPRequest) async -> HTTPResponse {
        guard !probe.isLoading else { return Self.loading(.serviceUnavailable) }
        guard let metrics = await probe.metrics(within: Self.answerBound) else { return Self.stuck }
        return metrics.isStopping ? Self.text(.serviceUnavailable, "stopping") : Self.text(.ok, "ready")
    }

    private static func loading(_ status: HTTPStatusCode) -> HTTPResponse { text(status, "state is being loaded") }

    private static var stuck: HTTPResponse {
        text(.serviceUnavailable, "the hot loop did not answer within \(answerBound)")
    }

    private static func text(_ status: HTTPStatusCode, _ line: String) -> HTTPResponse {
        HTTPResponse(
            statusCode: status, headers: [.contentType: "text/plain; charset=utf-8"], body: Data("\(line)\n".utf8))
    }

    /// HEAD has GET's headers, the length of what is left out among them.
    private static func withoutBodyIfHead(_ response: HTTPResponse, _ method: HTTPMethod) -> HTTPResponse {
        guard method == .HEAD, case .httpBody(let body) = response.payload else { return response }
        var headers = response.headers
        headers[.contentLength] = body.count.map { "\($0)" }
        return HTTPResponse(statusCode: response.statusCode, headers: headers)
    }
}
