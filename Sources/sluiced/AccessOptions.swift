import ArgumentParser
import Daemon

/// The flags for access control. A flag overrides the configuration file.
struct AccessOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's secret key from 'sluice keygen'. All tcp endpoints then use CURVE and need "
                + "--authorized-clients. (default: no keys, no encryption)", valueName: "file"),
        completion: .file(extensions: ["key"]))
    var curveKey: String?

    @Option(
        help: ArgumentHelp(
            "The folder of authorized public keys: producers/*.pub, subscribers/*.pub and controllers/*.pub. Reloaded on "
                + "SIGHUP. (default: none)", valueName: "dir"), completion: .directory)
    var authorizedClients: String?

    @Flag(
        help: "Allow tcp endpoints beyond this machine without keys or encryption. Use this only on a trusted network.")
    var insecure = false

    @Option(
        help: ArgumentHelp(
            "The largest frame of a producer or controller. A larger frame is dropped, a much larger one disconnects. "
                + "(default: 16777216)", valueName: "bytes"))
    var maxMessageSize: Int?

    @Option(
        help: ArgumentHelp(
            "The most connections of producers, subscribers and controllers each. (default: 10000)",
            valueName: "connections"))
    var maxConnections: Int?

    @Option(
        help: ArgumentHelp(
            "The most bytes of one subscriber's subscriptions. Beyond them it is disconnected. (default: 4194304)",
            valueName: "bytes"))
    var maxSubscriptionBytes: Int?

    func validate() throws {
        try check("--max-message-size", maxMessageSize, AccessConfiguration.messageSizes)
        try check("--max-connections", maxConnections, AccessConfiguration.connectionCounts)
        try check("--max-subscription-bytes", maxSubscriptionBytes, AccessConfiguration.subscriptionBytes)
    }

    /// Applies the flags.
    func apply(to access: inout AccessConfiguration) {
        access.curveKey = curveKey ?? access.curveKey
        access.authorizedClients = authorizedClients ?? access.authorizedClients
        access.isInsecure = insecure || access.isInsecure
        access.maximumMessageSize = maxMessageSize ?? access.maximumMessageSize
        access.maximumConnections = maxConnections ?? access.maximumConnections
        access.maximumSubscriptionBytes = maxSubscriptionBytes ?? access.maximumSubscriptionBytes
    }
}

/// Refuses a flag's value if it is outside the range.
func check(_ flag: String, _ value: Int?, _ range: ClosedRange<Int>) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError("\(flag) must be from \(range.lowerBound) to \(range.upperBound)")
}
