#if Cluster
import Cluster
import NATS
import Wire

/// The requests that wait until another node has left the cluster. The node gets a message without an answer: its
/// heartbeats show the effect. The message is repeated meanwhile, as NATS may lose it. The message has the number of the
/// node's process, in decimal digits, so that it does not stop a successor of the same name.
struct NodeDrains {
    /// The time for which a request waits. A node usually leaves within 1 s.
    private static let patience: Int64 = 15_000_000_000
    /// The time after which the message is repeated.
    private static let repetition: Int64 = 500_000_000

    private struct Request {
        let node: String
        /// The node's process. Its successor has the same name.
        let incarnation: UInt64
        let address: ControlServer.ReturnAddress
        let deadline: Int64
        var repeatAt: Int64
    }

    private let connection: Connection
    private var requests: [Request] = []

    init(_ connection: Connection) { self.connection = connection }

    /// Whether requests wait.
    var isWaiting: Bool { !requests.isEmpty }

    /// Begins a request.
    ///
    /// - Parameters:
    ///   - node: The node that is to leave.
    ///   - address: The return address of the request.
    ///   - overview: The cluster at the moment.
    ///   - now: The time, by the `SteadyClock`.
    /// - Throws: `ControlError` with the code `invalidParams` if no such node is alive.
    mutating func begin(
        _ node: String, for address: ControlServer.ReturnAddress, in overview: ClusterOverview, at now: Int64
    ) throws(ControlError) {
        guard let incarnation = overview.incarnation(of: node) else {
            let names = overview.nodes.filter { $0.liveHeartbeat != nil }.map(\.name).joined(separator: ", ")
            throw ControlError(.invalidParams, "no node '\(node.shortened)' is alive; the live nodes are \(names)")
        }
        requests.append(
            Request(
                node: node, incarnation: incarnation, address: address, deadline: now + Self.patience, repeatAt: now))
    }

    /// Returns whether a message asks a node's process to leave.
    ///
    /// - Parameters:
    ///   - message: A message to the node.
    ///   - node: The node.
    ///   - overview: The cluster as the node sees it.
    /// - Returns: Whether the message names the process.
    static func concerns(_ message: Message, _ node: String, in overview: ClusterOverview) -> Bool {
        let number = UInt64(String(decoding: message.bytes, as: UTF8.self))
        return number != nil && number == overview.incarnation(of: node)
    }

    /// Sends the messages that are due.
    ///
    /// - Returns: The replies to the requests that have ended.
    mutating func turn(
        at now: Int64, in overview: ClusterOverview
    ) -> [(WrittenReply, ControlServer.ReturnAddress)] {
        var ended: [(WrittenReply, ControlServer.ReturnAddress)] = []
        requests = requests.compactMap { request in
            if let outcome = outcome(of: request, at: now, in: overview) {
                ended.append((WrittenReply(outcome, id: request.address.id), request.address))
                return nil
            }
            guard now >= request.repeatAt else { return request }
            var request = request
            request.repeatAt = now + Self.repetition
            // While the connection is down, nothing is sent; the repetition follows.
            try? connection.publish(ClusterNames.drainSubject(request.node), Array("\(request.incarnation)".utf8).span)
            return request
        }
        return ended
    }

    private func outcome(
        of request: Request, at now: Int64, in overview: ClusterOverview
    ) -> Result<DrainResult, ControlError>? {
        guard overview.incarnation(of: request.node) == request.incarnation else {
            return .success(DrainResult(node: request.node, left: true))
        }
        guard now >= request.deadline else { return nil }
        return .failure(
            ControlError(
                .partitionSilent,
                "\(request.node) has not left within \(Self.patience / 1_000_000_000) s; "
                    + "'sluice cluster' shows its partitions"))
    }
}

extension ClusterOverview {
    /// Returns the number of a live node's process; nil if no such node is alive.
    fileprivate func incarnation(of node: String) -> UInt64? {
        nodes.first { $0.name == node }?.liveHeartbeat?.incarnation
    }
}
#endif
