import ArgumentParser
import Client

/// The options for validation during training, and for the files that training reads and writes in addition to the
/// model.
struct FitFileOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The part of the sequences, the last ones of the file, that judge the model after each epoch (default: "
                + "none).", valueName: "part"))
    var validationSplit: Double?

    @Option(
        help: ArgumentHelp(
            "A file with other sequences that judge the model after each epoch (default: none).", valueName: "file"),
        completion: .file())
    var validationInput: String?

    @Option(
        help: ArgumentHelp(
            "The column with the weight of each sequence's loss; the sequence's last row counts (default: none, 1 for each).",
            valueName: "column"))
    var weight: String?

    @Option(
        help: ArgumentHelp(
            "The file of the best model so far, by the metric of --early-stopping, else by val_loss, else by loss (default: "
                + "none).", valueName: "file"),
        completion: .file(extensions: ["keras", "safetensors"]))
    var checkpoint: String?

    @Option(
        help: ArgumentHelp(
            "A file for the loss and the metrics of each epoch, .csv or .json (default: none).", valueName: "file"),
        completion: .file(extensions: ["csv", "json"]))
    var history: String?

    @Flag(
        help: """
            Continue with the optimizer's state in the model's file. Its updates count as epochs that are done, and --epochs \
            counts all epochs.
            """)
    var resume = false

    @Option(
        help: ArgumentHelp(
            "The number of epochs that count as done with --resume (default: the updates in the file divided by the "
                + "updates in an epoch).", valueName: "epochs"))
    var initialEpoch: Int?

    func validate() throws {
        if let validationSplit, !(validationSplit > 0 && validationSplit < 1) {
            throw ValidationError("--validation-split must be above 0 and below 1")
        }
        if validationSplit != nil, validationInput != nil {
            throw ValidationError("give --validation-split or --validation-input, not both")
        }
        if let initialEpoch {
            guard resume else { throw ValidationError("--initial-epoch needs --resume") }
            guard initialEpoch >= 0 else { throw ValidationError("--initial-epoch must be at least 0 epochs") }
        }
        if let history, TrainingHistory.Format(path: history) == nil {
            throw ValidationError("--history must end in .csv or .json")
        }
    }

    func add(to plan: inout FitPlan) {
        if let validationSplit { plan.validation = .split(validationSplit) }
        if let validationInput { plan.validation = .file(validationInput) }
        plan.checkpoint = checkpoint
        plan.history = history.flatMap { path in TrainingHistory.Format(path: path).map { (path, $0) } }
        plan.resumes = resume
        plan.initialEpoch = initialEpoch
    }
}
