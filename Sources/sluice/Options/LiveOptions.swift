import ArgumentParser
import HTTPServer

/// The option for a live page of a training.
struct LiveOptions: ParsableArguments {
    /// The address without a value.
    private static let usual = HTTPEndpoint.address("127.0.0.1", port: 5563)

    @Option(
        defaultAsFlag: usual,
        help: ArgumentHelp(
            "Show the loss and the metrics on a page for a browser on this machine while the training runs.",
            valueName: "address:port"),
        transform: { text in
            // A file's name after `--live` is not the option's value, but the next argument.
            guard let endpoint = HTTPEndpoint(text) else {
                throw ValidationError("it must be an address and port, such as \(usual)")
            }
            return endpoint
        })
    var live: HTTPEndpoint?

    func validate() throws {
        guard let live, live == .off || !live.isLocal else { return }
        throw ValidationError("--live is only for this machine; give an address such as \(Self.usual), or leave it out")
    }
}
