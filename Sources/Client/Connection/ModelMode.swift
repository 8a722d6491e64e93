import Wire

// The effects of a model's mode on a producer.
extension DaemonStatus.Model {
    /// Whether the end of a sequence leads to a decision. In `stateful` mode, the end of a sequence only resets the
    /// state, which the start of the next sequence does anyway.
    var decidesAtEnd: Bool { mode != "stateful" }

    /// The reason why consumed timesteps led to no decision.
    var reasonForNoDecision: String {
        if emit == "final" || mode == "sequence" {
            return "no sequence has ended; end one with --sequence-by COLUMN, or with \"end\": true in JSON lines"
        }
        if emit == "change" { return "no label has changed" }
        let parts = mode.split(separator: ":")
        guard parts.count == 3 else { return "the model '\(name)' publishes decisions by --emit \(emit ?? "every")" }
        return "no stream has the \(parts[1]) timesteps of a window yet"
    }
}
