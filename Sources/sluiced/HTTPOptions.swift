import ArgumentParser
import Daemon

/// Where HTTP is answered and to whom, as flags. A flag that is given goes before the configuration file.
struct HTTPOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where HTTP is answered (/metrics, /healthz, /readyz), or off. (default: 127.0.0.1:5553)",
            valueName: "address:port|off"),
        transform: { text in
            guard let endpoint = HTTPEndpoint(text) else { throw ValidationError("it is \(HTTPEndpoint.notation)") }
            return endpoint
        })
    var http: HTTPEndpoint?

    @Flag(help: "Allow HTTP beyond this machine: everybody there may read metrics and the names of models.")
    var httpPublic = false

    @Option(
        help: ArgumentHelp(
            "A host's name by which clients may call the daemon's HTTP; may be given several times. Addresses and localhost "
                + "need not be named; other names are refused with 421. (default: none)", valueName: "name"),
        transform: { text in
            guard HTTPConfiguration.isHost(text) else {
                throw ValidationError("it is a host's name, without a scheme, port or path")
            }
            return text
        })
    var httpHost: [String] = []

    /// Puts what was given in place.
    func apply(to configuration: inout HTTPConfiguration) {
        configuration.endpoint = http ?? configuration.endpoint
        configuration.isPublic = httpPublic || configuration.isPublic
        if !httpHost.isEmpty { configuration.hosts = httpHost }
    }
}
