import ArgumentParser
import Daemon

/// The flags of a node of a cluster.
struct ClusterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The NATS servers of the cluster that this daemon is a node of. NATS then stores all state, and every node "
                + "takes timesteps of every stream. (default: none)", valueName: "nats://host:port,…"))
    var cluster: String?

    @Option(
        help: ArgumentHelp(
            "With --cluster: the node's name, which no other node has. (default: the machine's name)",
            valueName: "name"))
    var node: String?

    @Option(
        help: ArgumentHelp(
            "With --cluster: the number of nodes, from 0 to 4, that follow each partition to take it over without reading a "
                + "checkpoint. Give all nodes the same number. (default: 0)", valueName: "nodes"))
    var standbys: Int?

    @Option(
        help: ArgumentHelp(
            "With --cluster: the maximum number of streams in each partition, the same on all nodes. (default: no limit)",
            valueName: "streams"))
    var maxStreamsPerPartition: Int?

    @Option(
        help: ArgumentHelp(
            "With --cluster: the number of messages of decisions that NATS keeps of each partition before its last "
                + "checkpoint, for readers that are behind. (default: 100000)", valueName: "messages"))
    var retainedMessages: Int?

    @Option(
        help: ArgumentHelp(
            "With --cluster: the file with the seed of the node's nkey. (default: none)", valueName: "file"),
        completion: .file())
    var natsNkey: String?

    @Option(
        help: ArgumentHelp(
            "With --cluster: the file with the node's credentials, as nsc writes it. (default: none)",
            valueName: "file"),
        completion: .file(extensions: ["creds"]))
    var natsCredentials: String?

    @Option(
        help: ArgumentHelp(
            "With --cluster: the authorities that sign the NATS servers' certificates, in PEM. (default: those of the "
                + "system for tls:// URLs)", valueName: "file"), completion: .file(extensions: ["pem"]))
    var natsCa: String?

    @Option(
        help: ArgumentHelp(
            "With --cluster: the node's certificate chain for TLS, in PEM. (default: none)", valueName: "file"),
        completion: .file(extensions: ["pem"]))
    var natsCertificate: String?

    @Option(
        help: ArgumentHelp(
            "With --nats-certificate: the key of the certificate, in PEM. (default: none)", valueName: "file"),
        completion: .file(extensions: ["pem"]))
    var natsKey: String?

    @Flag(
        help: ArgumentHelp(
            "With --cluster: accept NATS servers from version 2.10.23 on, with which Sluice is not tested.",
            visibility: .hidden))
    var unsafeServer = false

    /// Applies the flags.
    func apply(to configuration: inout DaemonConfiguration) throws(DaemonError) {
        if let cluster {
            var options = configuration.cluster ?? ClusterConfiguration(servers: cluster)
            options.servers = ClusterConfiguration(servers: cluster).servers
            configuration.cluster = options
        }
        guard var options = configuration.cluster else {
            let others = [node, natsNkey, natsCredentials, natsCa, natsCertificate, natsKey]
            let numbers = [maxStreamsPerPartition, retainedMessages, standbys]
            guard others.allSatisfy({ $0 == nil }), numbers.allSatisfy({ $0 == nil }), !unsafeServer else {
                throw DaemonError(
                    .usage,
                    "--node, --standbys, --max-streams-per-partition, --retained-messages, --nats-… and --unsafe-server "
                        + "need --cluster URLS")
            }
            return
        }
        guard maxStreamsPerPartition ?? 1 >= 1 else {
            throw DaemonError(.usage, "--max-streams-per-partition must be at least 1")
        }
        options.maximumStreamsPerPartition = maxStreamsPerPartition ?? options.maximumStreamsPerPartition
        options.retainedMessages = retainedMessages ?? options.retainedMessages
        guard ClusterConfiguration.retainedMessageCounts.contains(options.retainedMessages) else {
            throw DaemonError(.usage, "--retained-messages must be from 0 to 1000000000")
        }
        options.node = node ?? options.node
        options.standbys = standbys ?? options.standbys
        guard ClusterConfiguration.standbyCounts.contains(options.standbys) else {
            throw DaemonError(.usage, "--standbys must be from 0 to 4")
        }
        options.nkeyFile = natsNkey ?? options.nkeyFile
        options.credentialsFile = natsCredentials ?? options.credentialsFile
        options.authorityFile = natsCa ?? options.authorityFile
        options.certificateFile = natsCertificate ?? options.certificateFile
        options.keyFile = natsKey ?? options.keyFile
        options.acceptsUnsafeServers = unsafeServer
        configuration.cluster = options
    }
}
