import ModelFiles
import Streams

extension ServingPolicy {
    /// Returns the threshold for a model's decisions.
    ///
    /// - Parameters:
    ///   - threshold: The requested threshold; nil for the usual one.
    ///   - file: The model.
    /// - Returns: The requested threshold, or 0.5 for a probability and 0 for another output.
    /// - Throws: ``ClientError`` with the status `usage` if no output of the model can reach the threshold.
    static func threshold(_ threshold: Threshold?, for file: ModelFile) throws(ClientError) -> Threshold {
        guard let threshold else { return file.outputMeaning == .probability ? .half : .zero }
        guard file.outputMeaning != .probability || threshold.isOfProbabilities else {
            throw ClientError(
                .usage, "--threshold \(threshold): the model's output is a probability; give a number from 0 to 1")
        }
        return threshold
    }
}
