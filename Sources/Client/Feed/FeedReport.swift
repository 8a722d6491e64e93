import Glibc

/// The report on a feed whose timesteps were all consumed.
package struct FeedReport {
    /// The report on one line.
    package let text: String
    /// The signal that ended the input; nil if the input ended by itself.
    private let signal: CInt?

    /// Creates a report.
    ///
    /// - Parameters:
    ///   - delivery: The accounts of all streams.
    ///   - seconds: The time from the first timestep until the daemon had consumed all timesteps.
    ///   - decisions: The number of decisions on the timesteps.
    ///   - hasLostDaemon: Whether the daemon was lost during the feed.
    ///   - badRows: The bad rows that were skipped.
    ///   - signal: The signal that ended the input.
    ///   - canResume: Whether the rest of the input can be sent later with `--resume`.
    init(
        delivery: Delivery, seconds: Double, decisions: DecisionCount, hasLostDaemon: Bool, badRows: BadRows,
        signal: CInt?, canResume: Bool
    ) {
        self.signal = signal
        let sent = Quantity.count(delivery.timesteps, of: "timestep")
        let streams = Quantity.count(delivery.accounts.count, of: "stream")
        var text = "\(sent) of \(streams) in \(Quantity.duration(seconds)), all consumed"
        let skipped = delivery.skipped + delivery.duplicates
        if skipped > 0 { text += "; the daemon skipped \(Quantity.count(skipped)) as duplicates" }
        if delivery.skipped > 0 { text += " (\(Quantity.count(delivery.skipped)) already consumed were left out)" }
        if hasLostDaemon {
            text += "; the daemon was lost meanwhile, so \(Quantity.count(delivery.repeated)) were sent again"
        }
        text += "\(badRows.note); \(decisions)"
        if signal != nil { text = "interrupted: \(text)\(canResume ? "; --resume sends the rest" : "")" }
        self.text = text
    }

    /// Ends the process with the signal that ended the input, so that a loop in a shell script ends too. Returns if
    /// there was no signal.
    package func repeatSignal() {
        guard let signal else { return }
        _ = Glibc.signal(signal, SIG_DFL)
        // The parent process may have blocked the signal.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, signal)
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        raise(signal)
    }
}
