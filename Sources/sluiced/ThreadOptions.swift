import ArgumentParser
import Daemon

/// The flags for the number of threads of each kind.
struct ThreadOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Threads that step streams, each a share of the ids. They help with large models and long messages. "
                + "(default: 1)", valueName: "threads"))
    var workers: Int?

    @Option(
        help: ArgumentHelp(
            "Threads that transfer bytes between the sockets and the network. (default: 1)", valueName: "threads"))
    var ioThreads: Int?

    func apply(to configuration: inout DaemonConfiguration) throws(DaemonError) {
        for (flag, count) in [("--workers", workers), ("--io-threads", ioThreads)] {
            guard count.map(DaemonConfiguration.isThreadCount) ?? true else {
                throw DaemonError(
                    .usage, "\(flag) must be a whole number from 1 to \(DaemonConfiguration.maximumThreads)")
            }
        }
        configuration.workers = workers ?? configuration.workers
        configuration.ioThreads = ioThreads ?? configuration.ioThreads
    }
}
