import ArgumentParser
import Daemon

/// The flags for the history of decisions.
struct HistoryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The last decisions to keep in memory for each stream, so that they can be shown. 0 keeps none. (default: 120)",
            valueName: "decisions"))
    var history: Int?

    @Option(
        help: ArgumentHelp(
            "The most bytes of all streams' last decisions. Beyond them, streams that have been idle for long lose "
                + "theirs first. (default: 67108864)", valueName: "bytes"))
    var historyBytes: Int?

    func validate() throws {
        try check("--history", history, DaemonConfiguration.historySizes)
        try check("--history-bytes", historyBytes, DaemonConfiguration.historyByteCounts)
    }

    /// Applies the flags.
    func apply(to configuration: inout DaemonConfiguration) {
        configuration.historyPoints = history ?? configuration.historyPoints
        configuration.historyBytes = historyBytes ?? configuration.historyBytes
    }
}
