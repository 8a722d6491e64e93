package import HTTPServer
package import ModelFiles

/// The options of `sluice compare`.
package struct ComparisonPlan: Sendable {
    /// The file with the sequences; `-` for standard input.
    package var input: String
    /// The meaning of a row's fields, including the position of the labels.
    package var layout: RowLayout
    /// The labels, if they are in a separate file.
    package var labels: LabelFile?
    /// The number of values in a timestep; nil for the number in the file's first row.
    package var features: Int?
    /// The size of the vocabulary, if timesteps are tokens; nil to use the size of the alphabet, if there is one.
    package var vocabulary: Int?
    /// The patterns to train; nil for all patterns that fit the data.
    package var patterns: [ModelPattern]?
    /// The width and the kind of the recurrent layers.
    package var sizes = PatternSizes()
    package var epochs = 20
    package var batchSize = 32
    /// The number of timesteps in one call of a stateful model; nil for whole sequences.
    package var chunk: Int?
    /// The number of training runs of each pattern.
    package var seeds = 5
    /// The seed of all random choices: the held-out sequences, the initial weights, and the order of the sequences.
    package var seed: UInt64 = 0
    /// The fraction of the sequences that is held out from training and used to evaluate the models.
    package var heldOut = 0.2
    /// The number of threads.
    package var jobs = 1
    /// The folder for the best model of each pattern; nil to keep none.
    package var folder: String?
    /// Whether to replace existing files.
    package var replaces = false
    /// The permissions of the new files.
    package var mode: UInt16 = 0o600
    /// The address of the live page; nil for none.
    package var live: HTTPEndpoint?
    /// Whether to print the report as one line of JSON.
    package var isJSON = false
    /// Whether to hide the progress.
    package var isQuiet = false

    /// Creates a plan. Each parameter sets the property of the same name.
    package init(input: String, layout: RowLayout) {
        self.input = input
        self.layout = layout
    }
}
