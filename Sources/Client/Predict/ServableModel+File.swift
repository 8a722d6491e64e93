package import ModelFiles
package import Streams

extension ServableModel {
    /// Describes the model of a file.
    package init(_ file: ModelFile) {
        self.init(
            file.model, isStateful: file.isStateful, answersEveryTimestep: file.answersEveryTimestep,
            sequenceLength: file.sequenceLength)
    }
}
