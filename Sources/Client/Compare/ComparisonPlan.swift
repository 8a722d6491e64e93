package import ModelFiles

/// The choices of a person for `sluice compare`.
package struct ComparisonPlan: Sendable {
    /// The file with the sequences; `-` for standard input.
    package var input: String
    /// The meaning of a row's fields, with the place of the labels.
    package var layout: RowLayout
    /// The labels, if they are in a file of their own.
    package var labels: LabelFile?
    /// The number of values in a timestep; nil for the number in the file's first row.
    package var features: Int?
    /// The number of different tokens, if timesteps are tokens; nil for those of the alphabet.
    package var vocabulary: Int?
    /// The patterns to train; nil for all that take the data.
    package var patterns: [ModelPattern]?
    /// The units and the kind of the recurrent layers.
    package var sizes = PatternSizes()
    package var epochs = 20
    package var batchSize = 32
    /// The number of timesteps of a call of the stateful pattern; nil for whole sequences.
    package var chunk: Int?
    /// The number of trainings of each pattern.
    package var seeds = 5
    /// The seed of all random numbers: the held-out part, the weights, and the orders of the sequences.
    package var seed: UInt64 = 0
    /// The part of the sequences that judges and does not train.
    package var heldOut = 0.2
    /// The number of threads.
    package var jobs = 1
    /// The folder for the best model of each pattern; nil to keep none.
    package var folder: String?
    /// Whether existing files are replaced.
    package var replaces = false
    /// The permissions of the new files.
    package var mode: UInt16 = 0o600
    /// Whether the result is one line of JSON.
    package var isJSON = false
    /// Whether no progress is shown.
    package var isQuiet = false

    /// Creates a plan. Each parameter sets the property of the same name.
    package init(input: String, layout: RowLayout) {
        self.input = input
        self.layout = layout
    }
}
