package import HTTPServer
import ModelFiles
package import Training

/// The options of `sluice fit`.
package struct FitPlan: Sendable {
    /// The sequences that are used to evaluate the model after each epoch, not to train it.
    package enum Validation: Sendable {
        case none
        /// The given fraction of the file's sequences, taken from the end.
        case split(Double)
        /// The sequences in a separate file.
        case file(String)
    }

    /// The model's file.
    package var model: String
    /// The file with the sequences; `-` for standard input.
    package var input: String
    /// The output file for the trained model.
    package var output: String
    /// The meaning of a row's fields.
    package var layout: RowLayout
    /// The labels, if they are in a separate file.
    package var labels: LabelFile?
    package var division = LabelledSequences.Division.none
    package var validation = Validation.none
    package var choices = TrainingChoices()
    package var fit = FitOptions()
    /// The number of lanes in which a stateful model is trained; nil for the batch size in the model's file.
    package var streams: Int?
    /// The file with the states from which stateful training starts.
    package var initialState: String?
    /// The output file for the states at the end of stateful training.
    package var finalState: String?
    package var history: (path: String, format: TrainingHistory.Format)?
    /// The output file for the best model so far.
    package var checkpoint: String?
    /// Whether to continue from the optimizer state in the model's file.
    package var resumes = false
    /// The number of epochs done before training is resumed; nil to derive it from the number of updates.
    package var initialEpoch: Int?
    /// Whether to replace existing files.
    package var replaces = false
    /// The permissions of the new files.
    package var mode: UInt16 = 0o600
    /// The address of the live page; nil for none.
    package var live: HTTPEndpoint?
    package var isQuiet = false

    /// Creates a plan. Each parameter sets the property of the same name.
    package init(model: String, input: String, output: String, layout: RowLayout) {
        self.model = model
        self.input = input
        self.output = output
        self.layout = layout
    }

    /// Returns the number of lanes in which a stateful model is trained.
    func lanes(of document: ModelDocument) -> Int { streams ?? document.batchSize ?? 1 }

    /// The metric by which the best epoch is chosen.
    var monitor: Monitor {
        if let monitor = fit.earlyStopping?.monitor { return monitor }
        return isValidated ? .validationLoss : .loss
    }

    private var isValidated: Bool {
        if case .none = validation { false } else { true }
    }

    // MARK: - Checks

    /// Checks that all outputs can be written.
    ///
    /// - Throws: ``ClientError`` with the status `cannotCreate` if an output exists or cannot be created, or `usage` if
    ///   two outputs have the same name.
    func checkOutputs() throws(ClientError) {
        let files = [finalState, history?.path].compactMap(\.self)
        let models = [output, checkpoint].compactMap(\.self)
        guard Set(files + models).count == files.count + models.count else {
            throw ClientError(.usage, "two outputs have the same name; give each a name of its own")
        }
        do {
            for path in models { try ModelDocument.checkOutput(path, replacing: replaces) }
            for path in files { try OutputFile.checkOutput(path, replacing: replaces) }
        } catch {
            throw ClientError(error)
        }
    }

    /// Checks that the options fit the model.
    ///
    /// - Throws: ``ClientError`` with the status `usage` if an option does not fit.
    func check(for task: TrainingTask) throws(ClientError) {
        if !task.configuration.isStateful {
            let isGiven = [
                "--chunk": fit.chunk != nil, "--streams": streams != nil, "--keep-state": !fit.resetsStates,
                "--initial-state": initialState != nil, "--final-state": finalState != nil,
            ]
            if let option = isGiven.keys.sorted().first(where: { isGiven[$0] == true }) {
                throw ClientError(
                    .usage,
                    "\(model): \(option) is only for stateful models, and this model is not stateful; leave it out")
            }
        } else if case .windows = division {
            throw ClientError(.usage, "\(model): a stateful model keeps its state instead of windows; leave out --mode")
        } else if finalState != nil, isValidated {
            throw ClientError(
                .usage,
                "\(model): --final-state does not go with a validation, which moves the state; leave one of them out")
        }
        let monitors = [fit.earlyStopping?.monitor, fit.rateReduction?.monitor].compactMap(\.self)
        for monitor in monitors {
            if !isValidated, [.validationLoss, .validationAccuracy].contains(monitor) {
                throw ClientError(
                    .usage, "\(monitor.rawValue) needs --validation-split or --validation-input")
            }
            if !task.loss.isClassifier, [.accuracy, .validationAccuracy].contains(monitor) {
                throw ClientError(.usage, "\(monitor.rawValue) is only for classifiers; give loss or val_loss")
            }
        }
    }

    // MARK: - Outputs

    /// Writes a model.
    ///
    /// - Returns: The size of the file in bytes.
    func write(_ document: ModelDocument, to path: String, replacing: Bool? = nil) throws(ClientError) -> Int {
        do {
            return try document.write(to: path, replacing: replacing ?? replaces, mode: mode)
        } catch {
            throw ClientError(error)
        }
    }

    /// Writes a text file.
    func write(_ text: String, to path: String) throws(ClientError) {
        do {
            try OutputFile.write(Array(text.utf8), to: path, mode: mode)
        } catch {
            throw ClientError(error)
        }
    }
}
