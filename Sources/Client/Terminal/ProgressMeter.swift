/// The progress of a long command, on one line that is overwritten: a bar if the end is known, else counts.
struct ProgressMeter {
    static let interval = Duration.milliseconds(100)

    private let total: Int?
    private var stream: StandardStream?
    private let start = ContinuousClock.now
    private var shown = ContinuousClock.now

    /// Creates a meter that shows nothing unless standard error is a terminal.
    ///
    /// - Parameters:
    ///   - total: The total amount of work, such as the file's bytes; nil if unknown.
    ///   - isShown: Whether to show anything at all.
    init(total: Int?, isShown: Bool = true) {
        self.total = total
        let stream = StandardStream.error
        self.stream = isShown && stream.isTerminal ? stream : nil
    }

    /// Shows the progress, at most ten times a second.
    mutating func update(done: Int, timesteps: UInt64) {
        guard stream != nil else { return }
        let now = ContinuousClock.now
        guard now - shown >= Self.interval else { return }
        shown = now
        let elapsed = now - start
        let text = Self.text(done: done, total: total, timesteps: timesteps, seconds: elapsed / .seconds(1))
        // A terminal that has gone away is no reason to stop.
        try? stream?.write("\r\(text)\u{1B}[K")
    }

    /// Removes the line.
    mutating func finish() {
        if shown > start { try? stream?.write("\r\u{1B}[K") }
    }

    static func text(done: Int, total: Int?, timesteps: UInt64, seconds: Double) -> String {
        let rate = seconds > 0 ? Double(timesteps) / seconds : 0
        let counts = "\(Quantity.count(timesteps, of: "timestep")), \(Quantity.count(Int(rate)))/s"
        guard let total, total > 0 else { return counts }
        let fraction = min(1, Double(done) / Double(total))
        let filled = Int(fraction * 30)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
        return "\(bar) \(Int(fraction * 100)) %  \(counts)"
    }
}
