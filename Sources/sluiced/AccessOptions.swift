import ArgumentParser
import Daemon

/// Who may come in, as flags. A flag that is given goes before the configuration file.
struct AccessOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's secret key, as 'sluice keygen' writes it: all tcp endpoints use CURVE then, and need "
                + "--authorized-clients. (default: no keys, no encryption)", valueName: "file"))
    var curveKey: String?

    @Option(
        help: ArgumentHelp(
            "The public keys that may come in: producers/*.pub, subscribers/*.pub and controllers/*.pub. Read again on "
                + "SIGHUP. (default: none)", valueName: "dir"))
    var authorizedClients: String?

    @Flag(
        help: "Allow tcp endpoints beyond this machine without keys or encryption: everybody there must be trusted.")
    var insecure = false

    @Option(
        help: ArgumentHelp(
            "The most bytes of one frame that a producer or controller may send; more is dropped, much more disconnects. "
                + "(default: 16777216)", valueName: "bytes"))
    var maxMessageSize: Int?

    @Option(
        help: ArgumentHelp(
            "The most connections of producers, of subscribers and of controllers each. (default: 10000)",
            valueName: "connections"))
    var maxConnections: Int?

    @Option(
        help: ArgumentHelp(
            "The most bytes that one subscriber's subscriptions may take; who sends more is cut off. (default: 4194304)",
            valueName: "bytes"))
    var maxSubscriptionBytes: Int?

    func validate() throws {
        try Self.check("--max-message-size", maxMessageSize, AccessConfiguration.messageSizes)
        try Self.check("--max-connections", maxConnections, AccessConfiguration.connectionCounts)
        try Self.check("--max-subscription-bytes", maxSubscriptionBytes, AccessConfiguration.subscriptionBytes)
    }

    /// Puts what was given in place.
    func apply(to access: inout AccessConfiguration) {
        access.curveKey = curveKey ?? access.curveKey
        access.authorizedClients = authorizedClients ?? access.authorizedClients
        access.isInsecure = insecure || access.isInsecure
        access.maximumMessageSize = maxMessageSize ?? access.maximumMessageSize
        access.maximumConnections = maxConnections ?? access.maximumConnections
        access.maximumSubscriptionBytes = maxSubscriptionBytes ?? access.maximumSubscriptionBytes
    }

    private static func check(_ flag: String, _ value: Int?, _ range: ClosedRange<Int>) throws {
        guard let value, !range.contains(value) else { return }
        throw ValidationError("\(flag) is from \(range.lowerBound) to \(range.upperBound)")
    }
}
