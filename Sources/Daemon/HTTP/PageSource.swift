import NIOCore

/// The part of the daemon that answers for its pages: the hot loop, or a node of a cluster.
protocol PageSource: Sendable {
    /// The name of the thread that reports, for the answer when it does not.
    var reporter: String { get }
    /// Whether the state is still being loaded. While it is, nobody reports.
    var isLoading: Bool { get }

    /// Asks for the current metrics.
    ///
    /// - Parameters:
    ///   - bound: The maximum time to wait for the answer.
    ///   - loop: The event loop of the returned future.
    /// - Returns: The metrics; nil if they did not come in time.
    func metrics(within bound: Duration, on loop: any EventLoop) -> EventLoopFuture<DaemonMetrics?>

    /// Carries out a control request of a page. The answer goes to the request's ``PageCall``.
    func carryOut(_ request: RawRequest)
}
