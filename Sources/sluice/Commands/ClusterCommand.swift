import ArgumentParser
import Client
import Wire

/// The commands of a cluster.
struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Create and look after a cluster of several machines over NATS JetStream.",
        discussion: """
              sluice cluster --control tcp://node-1:5552
            """,
        subcommands: [ClusterStatusCommand.self, ClusterCreateCommand.self, ClusterDrainCommand.self],
        defaultSubcommand: ClusterStatusCommand.self)
}

struct ClusterStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the nodes of a cluster, the partitions that nobody serves, and take-overs.",
        discussion: """
            Any node answers. The take-overs are the last ones by this node.

              sluice cluster --control tcp://node-1:5552
              sluice cluster --partitions
            """)

    @Flag(help: "List all partitions, with their owners and lags.")
    var partitions = false

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.cluster) { Report.lines($0, listsAll: partitions) }
    }
}

struct ClusterCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create the cluster's streams in NATS, once.",
        discussion: """
            The number of partitions is fixed from then on. A repeated creation with the same numbers changes nothing.

              sluice cluster create --nats nats://a:4222,nats://b:4222 --partitions 64 --replicas 3
            """)

    @Option(
        help: ArgumentHelp(
            "The number of partitions, from 1 to 1024: several times the cores of all nodes.",
            valueName: "partitions"))
    var partitions = 64

    @Option(help: ArgumentHelp("The number of NATS servers that store each message: 1, 3 or 5.", valueName: "servers"))
    var replicas = 3

    @Option(
        help: ArgumentHelp(
            "The maximum bytes of each partition's log. A full log makes producers wait.", valueName: "bytes"))
    var logBytes = 256 << 20

    @OptionGroup var options: NATSOptions

    func validate() throws {
        guard (1...Partitioning.maximum).contains(partitions) else {
            throw ValidationError("--partitions must be from 1 to \(Partitioning.maximum)")
        }
        guard [1, 3, 5].contains(replicas) else { throw ValidationError("--replicas must be 1, 3 or 5") }
        guard logBytes >= 1 << 20 else { throw ValidationError("--log-bytes must be at least 1048576") }
    }

    func run() throws {
        #if Cluster
        let creation = try ClusterCreation(
            ClusterFacts(partitions: partitions, replicas: replicas), logBytes: Int64(logBytes), access: options.access)
        try creation.run { _ in }
        print(
            "created: \(partitions) partitions, each on \(replicas) servers; start sluiced with --cluster "
                + options.nats)
        #else
        throw NATSOptions.missing
        #endif
    }
}

struct ClusterDrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Stop a node in order: the other nodes take over its partitions first.",
        discussion: """
            Ask another node than the one that is to stop. The command then ends when the node has left. The node that is
            to stop can only confirm that it begins.

              sluice cluster drain node-2 --control tcp://node-1:5552
            """)

    @Argument(help: "The name of the node; 'sluice cluster' lists the nodes.")
    var node: String

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.drain(node: node)) {
            [$0.left ? "\($0.node) has left" : "\($0.node) hands over its partitions and stops"]
        }
    }
}

/// The NATS servers and the login.
struct NATSOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The NATS servers. (default: none, they are needed)", valueName: "nats://host:port,…"))
    var nats: String

    @Option(help: ArgumentHelp("The file with the seed of your nkey. (default: none)", valueName: "file"))
    var natsNkey: String?

    @Option(help: ArgumentHelp("The file with your credentials, as nsc writes it. (default: none)", valueName: "file"))
    var natsCredentials: String?

    @Option(
        help: ArgumentHelp(
            "The authorities that sign the servers' certificates, in PEM. (default: those of the system for tls:// URLs)",
            valueName: "file"))
    var natsCa: String?

    #if Cluster
    var access: ClusterAccess {
        ClusterAccess(servers: nats, nkey: natsNkey, credentials: natsCredentials, authorities: natsCa)
    }
    #else
    static let missing = ClientError(
        .usage, "this build of sluice has no support for clusters: install the package sluice-cluster")
    #endif
}
