import Wire

/// The counts of a node's gateway, for `status` and metrics.
struct GatewayMeasures: Sendable {
    /// The number of messages received from producers.
    var messages: UInt64 = 0
    /// The number of dropped messages, by cause.
    var dropped: [DropCause: UInt64] = [:]
    /// The number of messages of SUB sockets that were discarded because NATS took no messages.
    var discarded: UInt64 = 0
    /// The number of messages stored in logs, which hold many messages of producers each.
    var stored: UInt64 = 0
    /// The number of messages that were sent to a log again.
    var retries: UInt64 = 0
    /// The bytes that wait to be stored.
    var waitingBytes = 0
    /// Whether producers at PULL sockets have to wait.
    var isStalled = false
}

/// The counts of a node's outlet, for `status` and metrics.
struct OutletMeasures: Sendable, Equatable {
    /// The number of messages of decisions taken from the chains.
    var messages: UInt64 = 0
    /// The number of messages that the chains no longer had when the outlet came to them.
    var missed: UInt64 = 0
    /// The number of messages that could not be read.
    var malformed: UInt64 = 0
    /// The number of partitions whose chain is followed.
    var followed = 0
    /// The number of times that a subscriber fell behind.
    var overflows: UInt64 = 0
}
