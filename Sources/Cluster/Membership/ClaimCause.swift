/// The reason why a node claims a partition.
package enum ClaimCause: Equatable, Sendable, CustomStringConvertible {
    /// Nobody has held the partition since this node sees the cluster.
    case unowned
    /// The node that held the partition died.
    case death(of: String)
    /// The node that held the partition leaves the cluster.
    case drain(by: String)
    /// The node that held the partition has drained it because it belongs to this node.
    case balance(from: String)
    /// This node held the partition, until another node wrote to the chain or NATS did not answer.
    case loss

    /// The cause in a word, for metrics.
    package var word: String {
        switch self {
        case .unowned: "unowned"
        case .death: "death"
        case .drain: "drain"
        case .balance: "balance"
        case .loss: "loss"
        }
    }

    /// The words of all causes.
    package static let words = ["unowned", "death", "drain", "balance", "loss"]

    /// The cause in a sentence.
    package var description: String {
        switch self {
        case .unowned: "nobody holds it"
        case .death(let node): "node \(node), which held it, is dead"
        case .drain(let node): "node \(node), which held it, leaves the cluster"
        case .balance(let node): "node \(node) has drained it for balance"
        case .loss: "this node held it before"
        }
    }
}
