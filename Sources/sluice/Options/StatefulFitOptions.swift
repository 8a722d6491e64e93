import ArgumentParser
import Client
import ModelFiles

/// The options for training a stateful model.
struct StatefulFitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The timesteps of a call, at which the gradient ends (default: the length of the model's input, else whole "
                + "sequences).", valueName: "timesteps"))
    var chunk: Int?

    @Option(
        help: ArgumentHelp(
            "The number of streams that are trained on side by side, each with its own state (default: the batch size of "
                + "the model's input, else 1).", valueName: "streams"))
    var streams: Int?

    @Flag(help: "Keep the state from sequence to sequence and from epoch to epoch, as Keras' fit does.")
    var keepState = false

    @Option(
        help: ArgumentHelp(
            "Start from the state of a stream, a file of 'sluice export', with one line for each stream side by side. It "
                + "implies --keep-state (default: none, zeros).", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var initialState: String?

    @Option(
        help: ArgumentHelp(
            "The file for the state at the end, for 'sluice import' (default: none).", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var finalState: String?

    func validate() throws {
        if let chunk, chunk < 1 { throw ValidationError("--chunk must be at least 1 timestep") }
        if let streams, streams < 1 { throw ValidationError("--streams must be at least 1 stream") }
    }

    func add(to plan: inout FitPlan, _ document: ModelDocument) {
        plan.fit.chunk = chunk ?? document.usualChunk
        plan.fit.resetsStates = !(keepState || initialState != nil)
        plan.streams = streams
        plan.initialState = initialState
        plan.finalState = finalState
    }
}

extension ModelDocument {
    /// The default number of timesteps in one call of the model; nil for whole sequences.
    var usualChunk: Int? { file.isStateful ? file.sequenceLength : nil }
}
