import Streams

/// The modes in which a model can be served, and the reasons why it cannot be served in the others.
package struct ServedModes: Equatable, Encodable, Sendable {
    /// The names of the modes, in the notation of `--mode`.
    package let served: [String]
    /// The reasons why modes are refused, by mode.
    package let refused: [String: String]
    /// The reason why the daemon cannot serve the model in any mode, although `predict` can run it; nil if there is no
    /// such reason.
    package let daemonRefusal: String?

    /// Whether the end of a sequence can give an answer to each of its timesteps.
    package let answersEveryTimestepAtEnd: Bool

    /// The smallest number of timesteps of a sequence or window.
    package let shortestSequence: Int
    private let lengthInWords: String

    private enum CodingKeys: String, CodingKey {
        case served, refused
        case shortestSequence = "shortest_sequence"
        case daemonRefusal = "daemon_refusal"
        case answersEveryTimestepAtEnd = "answers_every_timestep_at_end"
    }

    init(of model: ServableModel) {
        let window = ServingPolicy.Window(length: 1, stride: 1).map { ServingPolicy.Mode.window($0) }
        let modes = [("stateful", .stateful), ("sequence", .sequence), ("window:LENGTH:STRIDE", window)]
        var (served, refused) = ([String](), [String: String]())
        for case let (name, mode?) in modes {
            if let refusal = model.refusal(of: mode) {
                refused[name] = refusal.description
            } else {
                served.append(name)
            }
        }
        (self.served, self.refused) = (served, refused)
        daemonRefusal = model.outputRefusal
        shortestSequence = model.shortestSequence
        lengthInWords = model.lengthInWords
        answersEveryTimestepAtEnd = model.answersEveryTimestepAtEnd
    }

    /// The lines of a summary, each with its topic.
    var facts: [(topic: String, words: String)] {
        [("Served as", served.joined(separator: ", "))]
            + refused.sorted { $0.key < $1.key }.map { ("", "not \($0.key): \($0.value)") }
            + (answersEveryTimestepAtEnd
                ? [("", "sequence answers every timestep at the end of the sequence, with emit every")] : [])
            + (shortestSequence > 1
                ? [("", "a sequence or window needs \(lengthInWords) timesteps")] : [])
            + (daemonRefusal.map { [("", "only by predict: \($0)")] } ?? [])
    }
}
