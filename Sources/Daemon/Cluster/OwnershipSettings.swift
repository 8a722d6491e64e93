#if Cluster
import Cluster
import Wire

/// The settings with which the node begins every ownership of a partition.
struct OwnershipSettings: Sendable {
    /// The node that claims.
    let claim: ChainClaim
    /// The models that the node can serve.
    let offer: ServeOffer
    /// The limits of the streams' histories.
    let history: HistoryLimits
    /// The number of messages that the chain keeps before its last manifest, for readers that are behind.
    let retainedMessages: UInt64
}
#endif
