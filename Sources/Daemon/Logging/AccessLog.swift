import Logging
import ZeroMQ

/// Logs refused clients at a limited rate. Each client is logged only once, no matter how often it tries.
struct AccessLog {
    /// The reason for refusing a client.
    enum Cause: Hashable {
        /// The key is not authorized for the role. `elsewhere` is the file that authorizes the key for another role, if
        /// any.
        case unknownKey(CurvePublicKey, elsewhere: String?)
        case tooMany(Int)
        case noKey
        case otherServerKey
        /// The client uses CURVE, but this endpoint does not.
        case notEncrypted
        case malformed
        /// The handshake broke off. `expected` names the socket types that may connect to the endpoint.
        case brokenOff(expected: String)
        /// The subscriptions of a subscriber exceed this size, in bytes.
        case tooManySubscriptions(Int)

        /// Creates the cause of a failed handshake. Returns nil if the failure should not be logged.
        ///
        /// - Parameters:
        ///   - refusal: The reason that libzmq reported.
        ///   - isCurve: Whether the endpoint uses CURVE.
        init?(_ refusal: SocketMonitor.Refusal, isCurve: Bool) {
            switch refusal {
            // A client without a key may hang up as soon as it sees that the endpoint needs one. At an endpoint without
            // CURVE, only a port scanner or a client that gave up leaves a handshake incomplete.
            case .incomplete where isCurve: self = .noKey
            case .incomplete: return nil
            case .otherMechanism: self = isCurve ? .noKey : .notEncrypted
            case .otherServerKey: self = .otherServerKey
            case .malformed: self = .malformed
            // The daemon itself denied this client, and has already logged the key.
            case .denied: return nil
            }
        }
    }

    private struct Entry: Hashable {
        let role: EndpointRole
        let address: String?
        let cause: Cause
    }

    /// The maximum number of refusals to remember. At this limit, all refusals are forgotten, and clients may be logged
    /// again.
    private static let maximumEntries = 1_000

    let logger: Logger
    private var entries: Set<Entry> = []
    private var rate = LogRate()

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Whether some refusals were not logged, so that ``flush(at:)`` must still report them.
    var hasUnlogged: Bool { rate.unlogged > 0 }

    /// Logs the refusal of a client, unless it has been logged before.
    ///
    /// - Parameters:
    ///   - role: The role of the endpoint.
    ///   - address: The address of the client; nil if the connection ended before its address was known.
    ///   - cause: The reason for the refusal.
    ///   - time: The current time of the ``SteadyClock``.
    mutating func record(_ role: EndpointRole, from address: String?, _ cause: Cause, at time: Int64) {
        // A client with an unknown address counts as already logged if any client of the same role was refused for the
        // same cause.
        let isKnown = entries.contains {
            $0.role == role && $0.cause == cause && ($0.address == address || address == nil)
        }
        guard !isKnown else { return }
        let entry = Entry(role: role, address: address, cause: cause)
        if entries.count >= Self.maximumEntries { entries.removeAll(keepingCapacity: true) }
        entries.insert(entry)
        flush(at: time)
        guard rate.admits(at: time) else { return }
        logger.warning(
            """
            refused a connection to \(role.rawValue) from \(address ?? "an unknown address"): \
            \(cause.explanation(for: role))
            """)
    }

    /// Forgets all logged refusals, because after a reload of the keys the same client may be refused for a new reason.
    mutating func forget() { entries.removeAll() }

    /// Logs how many refusals were left out, once the current second is over.
    mutating func flush(at time: Int64) {
        guard hasUnlogged, rate.isOver(at: time) else { return }
        logger.warning(
            "refused \(rate.takeUnlogged()) more clients; 'sluice status' counts refused connections by endpoint")
    }
}

extension AccessLog.Cause {
    fileprivate func explanation(for role: EndpointRole) -> String {
        switch self {
        case .unknownKey(let key, nil): "its key \(key) is not among the \(role.clients)"
        case .unknownKey(let key, let file?): "its key \(key) belongs to \(file) and is not among the \(role.clients)"
        case .tooMany(let limit): "there are \(limit) connections already; see --max-connections"
        case .noKey: "it showed no key"
        case .otherServerKey: "it expects another server key than this daemon's"
        case .notEncrypted: "it uses CURVE, and this daemon has no --curve-key for this endpoint"
        case .malformed: "it does not speak ZeroMQ correctly"
        case .brokenOff(let expected):
            "its socket is of the wrong type, it does not speak ZeroMQ, or it hung up early; connect \(expected) here"
        case .tooManySubscriptions(let limit):
            "its subscriptions take more than \(limit) bytes (see --max-subscription-bytes), so it is cut off"
        }
    }
}
