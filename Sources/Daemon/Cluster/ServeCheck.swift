#if Cluster
import Cluster
import NATS
import Wire

/// Finds the partitions that a node cannot serve, before the node counts as a candidate for them.
struct ServeCheck {
    /// The time for each request, in milliseconds.
    private static let patience = 5_000

    /// The record that describes the node's models.
    let offer: ServeRecord
    let connection: Connection

    /// Compares the node's models with the logs. If a record cannot be read, the claim of its partition finds out.
    ///
    /// - Parameters:
    ///   - facts: The facts of the cluster.
    ///   - membership: The membership that refuses the partitions.
    func refuse(_ facts: ClusterFacts, in membership: inout Membership) {
        for partition in 0..<facts.partitions {
            guard let served = try? record(of: partition), let reason = offer.misfit(to: served) else { continue }
            membership.refuse(partition, reason: reason)
        }
    }

    /// The record under which a partition is served: that of its last checkpoint, or the first one of its log.
    private func record(of partition: Int) throws -> ServeRecord? {
        let chain = ClusterNames.chain(partition)
        let end = try StreamInformation(ask(JetStream.streamInformation(chain))).lastSequence
        if end > 0 {
            let last = try message(at: end, in: chain)
            let manifest = try unsafe ChainEntry(last.span.bytes).manifest
            if manifest > 0 {
                let bytes = try message(at: manifest, in: chain)
                let json = unsafe bytes.span.bytes.extracting(ChainEntry.headLength..<bytes.count)
                return try JSONBytes.decode(CheckpointManifest.self, from: json).serve
            }
        }
        let first = try message(at: 1, in: ClusterNames.log(partition))
        guard case .control(let json) = try unsafe LogMessage(first.span.bytes) else { return nil }
        return try JSONBytes.decode(ControlRecord.self, from: unsafe first.span.bytes.extracting(json)).serve
    }

    private func message(at sequence: UInt64, in stream: String) throws -> [UInt8] {
        try StoredMessage(ask(JetStream.message(at: sequence, in: stream))).payload
    }

    private func ask(_ request: APIRequest) throws -> Message {
        try connection.request(request, timeoutMilliseconds: Self.patience)
    }
}
#endif
