/// The results of one round with one target.
package struct BenchRound: Codable, Equatable, Sendable {
    /// The number of messages per second that came back.
    package var messagesPerSecond: Double
    /// The median round-trip time of a single message, in microseconds.
    package var p50: Double
    /// The 99th percentile of the round-trip time, in microseconds.
    package var p99: Double
    /// The 99.9th percentile of the round-trip time, in microseconds.
    package var p999: Double
    /// The number of messages that did not come back.
    package var lost: Int

    /// Creates a round. Each parameter sets the property of the same name.
    package init(messagesPerSecond: Double, p50: Double, p99: Double, p999: Double, lost: Int) {
        self.messagesPerSecond = messagesPerSecond
        self.p50 = p50
        self.p99 = p99
        self.p999 = p999
        self.lost = lost
    }
}

/// The median of several values, with the smallest and the largest value.
package struct Spread: Codable, Equatable, Sendable {
    /// The middle value, or the mean of the two middle values.
    package var median: Double
    /// The smallest value.
    package var min: Double
    /// The largest value.
    package var max: Double

    /// Creates the spread of several values; nil if there are no values.
    ///
    /// - Parameter values: The values in any order.
    package init?(_ values: [Double]) {
        let sorted = values.sorted()
        guard let least = sorted.first, let greatest = sorted.last else { return nil }
        let middle = sorted.count / 2
        median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
        min = least
        max = greatest
    }
}

/// The results of the daemon and of the bare forwarder, and their ratio.
package struct BenchReport: Encodable, Equatable, Sendable {
    /// The spread of each quantity over the rounds.
    package struct Figures: Encodable, Equatable, Sendable {
        /// Messages per second.
        package var messagesPerSecond: Spread
        /// Timesteps per second.
        package var timestepsPerSecond: Spread
        /// The median latency in microseconds.
        package var p50: Spread
        /// The 99th percentile of the latency in microseconds.
        package var p99: Spread
        /// The 99.9th percentile of the latency in microseconds.
        package var p999: Spread

        private enum CodingKeys: String, CodingKey {
            case messagesPerSecond = "messages_per_second"
            case timestepsPerSecond = "timesteps_per_second"
            case p50 = "latency_p50_us"
            case p99 = "latency_p99_us"
            case p999 = "latency_p999_us"
        }

        /// Creates the figures from one value per round; nil if there are no rounds.
        fileprivate init?(_ rounds: [BenchRound], timesteps: Double) {
            guard let messagesPerSecond = Spread(rounds.map(\.messagesPerSecond)),
                let timestepsPerSecond = Spread(rounds.map { $0.messagesPerSecond * timesteps }),
                let p50 = Spread(rounds.map(\.p50)), let p99 = Spread(rounds.map(\.p99)),
                let p999 = Spread(rounds.map(\.p999))
            else { return nil }
            self.messagesPerSecond = messagesPerSecond
            self.timestepsPerSecond = timestepsPerSecond
            self.p50 = p50
            self.p99 = p99
            self.p999 = p999
        }
    }

    /// The load.
    package let plan: BenchPlan
    /// The number of rounds.
    package let rounds: Int
    /// The figures of the daemon.
    package let daemon: Figures
    /// The figures of the bare libzmq forwarder.
    package let forwarder: Figures
    /// The ratios of the daemon's figures to the forwarder's figures in the same round.
    package let ratio: Figures
    /// The total number of messages, over all rounds, that the daemon did not decide on.
    package let lostByDaemon: Int
    /// The total number of messages, over all rounds, that the forwarder lost.
    package let lostByForwarder: Int

    private enum CodingKeys: String, CodingKey {
        case plan, rounds, daemon, forwarder, ratio
        case lostByDaemon = "lost_by_daemon"
        case lostByForwarder = "lost_by_forwarder"
    }

    /// Creates a report; nil if there are no pairs of rounds.
    ///
    /// - Parameters:
    ///   - plan: The load.
    ///   - daemon: The rounds with the daemon.
    ///   - forwarder: The rounds with the forwarder, in the same order. Rounds without a counterpart are left out.
    package init?(plan: BenchPlan, daemon: [BenchRound], forwarder: [BenchRound]) {
        let pairs = Array(zip(daemon, forwarder))
        let ratios = pairs.map { ours, bare in
            BenchRound(
                messagesPerSecond: ours.messagesPerSecond / bare.messagesPerSecond, p50: ours.p50 / bare.p50,
                p99: ours.p99 / bare.p99, p999: ours.p999 / bare.p999, lost: 0)
        }
        let timesteps = Double(plan.timesteps * plan.streamsPerMessage)
        guard let ours = Figures(pairs.map(\.0), timesteps: timesteps),
            let bare = Figures(pairs.map(\.1), timesteps: timesteps), let ratio = Figures(ratios, timesteps: 1)
        else { return nil }
        self.plan = plan
        rounds = pairs.count
        self.daemon = ours
        self.forwarder = bare
        self.ratio = ratio
        lostByDaemon = daemon.reduce(0) { $0 + $1.lost }
        lostByForwarder = forwarder.reduce(0) { $0 + $1.lost }
    }
}

extension BenchReport {
    /// The human-readable report: a table, followed by the losses.
    package var lines: [String] {
        var table = TextTable([
            TextTable.Column(""), TextTable.Column("daemon", .right), TextTable.Column("bare forwarder", .right),
            TextTable.Column("daemon / forwarder", .right),
        ])
        let rows: [(String, KeyPath<Figures, Spread>, (Double) -> String)] = [
            ("messages/s", \.messagesPerSecond, Self.whole), ("timesteps/s", \.timestepsPerSecond, Self.whole),
            ("latency p50, µs", \.p50, Self.tenths), ("latency p99, µs", \.p99, Self.tenths),
            ("latency p99.9, µs", \.p999, Self.tenths),
        ]
        for (name, quantity, text) in rows {
            table.append([
                name, daemon[keyPath: quantity].text(text), forwarder[keyPath: quantity].text(text),
                ratio[keyPath: quantity].text { Quantity.fixed($0, digits: 2) },
            ])
        }
        let load = [
            Quantity.count(rounds, of: "round") + " of \(Quantity.decimal(plan.seconds)) s",
            Quantity.count(plan.streams, of: "stream"), content,
            "at most " + Quantity.count(plan.inFlight, of: "message") + " in flight",
        ]
        let heading = ["Load: " + load.joined(separator: ", ") + ".", "Latency: one message alone, there and back."]
        return heading + ["Each: median (least to greatest) of the rounds.", ""] + table.lines + [""] + losses
    }

    /// A description of a message's content.
    private var content: String {
        let timesteps = Quantity.count(plan.timesteps, of: "timestep")
        guard plan.streamsPerMessage > 1 else { return timesteps + " a message" }
        return timesteps + " each of " + Quantity.count(plan.streamsPerMessage, of: "stream") + " a message"
            + (plan.usesNumbers ? " with agreed numbers" : "")
    }

    /// Sentences about the losses.
    private var losses: [String] {
        if lostByDaemon == 0, lostByForwarder == 0 { return ["No message was lost: every one was answered."] }
        var sentences: [String] = []
        if lostByDaemon > 0 {
            let lost = Quantity.count(lostByDaemon, of: "message")
            sentences.append("The daemon did not answer \(lost): its status counts what it dropped.")
        }
        if lostByForwarder > 0 {
            sentences.append("The forwarder lost \(Quantity.count(lostByForwarder, of: "message")).")
        }
        return sentences + ["A smaller --in-flight keeps below the high-water marks, above which sockets drop."]
    }

    private static func whole(_ value: Double) -> String {
        value.magnitude < 1e15 ? Quantity.count(Int(value.rounded())) : "-"
    }

    private static func tenths(_ value: Double) -> String { Quantity.fixed(value, digits: 1) }
}

extension Spread {
    /// Returns the spread as text for one cell of a table.
    fileprivate func text(_ number: (Double) -> String) -> String {
        "\(number(median)) (\(number(min)) to \(number(max)))"
    }
}
