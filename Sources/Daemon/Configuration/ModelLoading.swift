import ModelFiles
import Streams

extension ServedModel {
    /// Reads a model's file and completes its serving policy.
    ///
    /// - Parameters:
    ///   - configuration: The file, and the requested policy.
    ///   - copy: The path of a copy of the file, to read in its place; nil to read the file itself.
    /// - Throws: ``DaemonError`` with one line that names the file and, if possible, the layer. The code is
    ///   `configuration` if the model does not support the requested policy.
    init(_ configuration: DaemonConfiguration.Model, readFrom copy: String? = nil) throws(DaemonError) {
        let file: ModelFile
        do {
            file = try ModelFile.read(copy ?? configuration.file)
        } catch {
            throw DaemonError([.notFound, .unreadable].contains(error.code) ? .noInput : .badData, error.description)
        }
        let served = ServableModel(file)
        if let refusal = served.outputRefusal { throw DaemonError(.badData, "\(configuration.file): \(refusal)") }
        var policy = configuration.policy
        policy.mode = configuration.mode ?? served.standardMode
        policy.emit = configuration.emit ?? policy.mode.defaultEmit
        do {
            policy.threshold = try ServingPolicy.Threshold(
                configuration.threshold, forProbabilities: file.outputMeaning == .probability)
            try policy.check(served)
        } catch {
            throw DaemonError(.configuration, "\(configuration.file): \(error)")
        }
        self.init(
            name: configuration.name, file: configuration.file, fingerprint: file.fingerprint, model: served,
            policy: policy,
            cautions: file.cautions + [Self.outputCaution(of: file)].compactMap(\.self))
    }

    private static func outputCaution(of file: ModelFile) -> String? {
        let standard = file.model.outputs == 1 ? "; the label is 1 from a threshold of 0, or --threshold" : ""
        return switch file.outputMeaning {
        case .probability: nil
        case .logit:
            "is compiled with from_logits=True, so its decisions have logits in place of probabilities" + standard
        case .number:
            "ends neither in a sigmoid nor in a softmax, so its decisions have any numbers in place of probabilities"
                + standard
        }
    }
}

extension ServableModel {
    fileprivate init(_ file: ModelFile) {
        self.init(
            file.model, isStateful: file.isStateful, answersEveryTimestep: file.answersEveryTimestep,
            sequenceLength: file.sequenceLength, answersProbabilities: file.outputMeaning == .probability)
    }
}
