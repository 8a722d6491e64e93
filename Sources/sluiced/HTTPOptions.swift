import ArgumentParser
import Daemon
import HTTPServer

/// The flags for the HTTP server. A flag overrides the configuration file.
struct HTTPOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The address of the HTTP server (the live page, /metrics, /healthz, /readyz), or off. (default: 127.0.0.1:5553)",
            valueName: "address:port|off"),
        transform: { text in
            guard let endpoint = HTTPEndpoint(text) else { throw ValidationError("it is \(HTTPEndpoint.notation)") }
            return endpoint
        })
    var http: HTTPEndpoint?

    @Flag(
        help: "Allow HTTP beyond this machine. Everybody there can read metrics, models, streams and decisions.")
    var httpPublic = false

    @Option(
        help: ArgumentHelp(
            "A host name that HTTP clients may use; may be given several times. Addresses and localhost "
                + "are always allowed; other names are refused with 421. (default: none)", valueName: "name"),
        transform: { text in
            guard HTTPConfiguration.isHost(text) else {
                throw ValidationError("it must be a host name without a scheme, port or path")
            }
            return text
        })
    var httpHost: [String] = []

    @Option(
        help: ArgumentHelp(
            "The file with the token that lets the live page reset, pause, snapshot and export streams. Made if it is "
                + "the page changes nothing. The daemon makes the file if it is missing. (default: none)",
            valueName: "file"), completion: .file())
    var httpControl: String?

    /// Applies the flags.
    func apply(to configuration: inout HTTPConfiguration) {
        configuration.endpoint = http ?? configuration.endpoint
        configuration.isPublic = httpPublic || configuration.isPublic
        if !httpHost.isEmpty { configuration.hosts = httpHost }
        configuration.controlFile = httpControl ?? configuration.controlFile
    }
}
