import Logging
import ZeroMQ

/// Logs who was not let in: each client once, though it tries again and again, and all of them at a bounded rate.
struct AccessLog {
    /// Why somebody did not come in.
    enum Cause: Hashable {
        /// The key is not among those of the role; the file that has it for another, if one does.
        case unknownKey(CurvePublicKey, elsewhere: String?)
        case tooMany(Int)
        case noKey
        case otherServerKey
        /// The other side uses CURVE and this endpoint does not.
        case notEncrypted
        case malformed
        /// The handshake broke off; the sockets that belong at the endpoint.
        case brokenOff(expected: String)
        /// A subscriber's subscriptions take more bytes than this.
        case tooManySubscriptions(Int)

        /// What libzmq says of a handshake that failed; nil for what is not to be logged.
        ///
        /// - Parameters:
        ///   - refusal: Why it failed.
        ///   - isCurve: Whether the endpoint has CURVE.
        init?(_ refusal: SocketMonitor.Refusal, isCurve: Bool) {
            switch refusal {
            // Where a key is needed, a client without one may see that first, and go. Elsewhere somebody only looked whether
            // the port is open, or gave up.
            case .incomplete where isCurve: self = .noKey
            case .incomplete: return nil
            case .otherMechanism: self = isCurve ? .noKey : .notEncrypted
            case .otherServerKey: self = .otherServerKey
            case .malformed: self = .malformed
            // By this daemon: it is in the log already, with the key.
            case .denied: return nil
            }
        }
    }

    private struct Entry: Hashable {
        let role: EndpointRole
        let address: String?
        let cause: Cause
    }

    /// Clients that are remembered. Past that many all are forgotten, and may be logged once more.
    private static let maximumEntries = 1_000

    let logger: Logger
    private var entries: Set<Entry> = []
    private var rate = LogRate()

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Something was left out that is to be said in a second.
    var hasUnlogged: Bool { rate.unlogged > 0 }

    /// Logs that a client was refused, if that is new.
    ///
    /// - Parameters:
    ///   - role: What the endpoint is for.
    ///   - address: Where the client comes from; nil where that could not be told any more.
    ///   - cause: Why.
    mutating func record(_ role: EndpointRole, from address: String?, _ cause: Cause) {
        // A connection that was gone before it could be asked where it came from is taken for one that was logged.
        let isKnown = entries.contains {
            $0.role == role && $0.cause == cause && ($0.address == address || address == nil)
        }
        guard !isKnown else { return }
        let entry = Entry(role: role, address: address, cause: cause)
        if entries.count >= Self.maximumEntries { entries.removeAll(keepingCapacity: true) }
        entries.insert(entry)
        let time = SteadyClock.now()
        flush(at: time)
        guard rate.admits(at: time) else { return }
        logger.warning(
            """
            refused a connection to \(role.rawValue) from \(address ?? "an address that is gone"): \
            \(cause.explanation(for: role))
            """)
    }

    /// Forgets who was logged: under other keys they are news.
    mutating func forget() { entries.removeAll() }

    /// Says how many were not logged one by one, once the second is over.
    mutating func flush(at time: Int64) {
        guard hasUnlogged, rate.isOver(at: time) else { return }
        logger.warning("refused \(rate.takeUnlogged()) other clients; 'status' counts refused connections by endpoint")
    }
}

extension AccessLog.Cause {
    fileprivate func explanation(for role: EndpointRole) -> String {
        switch self {
        case .unknownKey(let key, nil): "its key \(key) is not among the \(role.clients)"
        case .unknownKey(let key, let file?): "its key \(key) is that of \(file), and not among the \(role.clients)"
        case .tooMany(let limit): "there are \(limit) connections already, see --max-connections"
        case .noKey: "it showed no key"
        case .otherServerKey: "it expects another server key than this daemon's"
        case .notEncrypted: "it uses CURVE, and this daemon has no --curve-key for this endpoint"
        case .malformed: "it does not speak ZeroMQ as it should"
        case .brokenOff(let expected):
            "its socket is of the wrong type, it does not speak ZeroMQ, or it hung up early; connect \(expected) here"
        case .tooManySubscriptions(let limit):
            "its subscriptions take more than \(limit) bytes, see --max-subscription-bytes; it is cut off"
        }
    }
}
