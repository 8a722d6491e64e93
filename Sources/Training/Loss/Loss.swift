/// The loss that training minimizes, as Keras defines it (<https://keras.io/api/losses/>).
package struct Loss: Equatable, Sendable {
    /// The functions. The raw values are Keras' names.
    package enum Function: String, CaseIterable, Sendable {
        /// The mean of −(t ln p + (1 − t) ln(1 − p)) over the outputs.
        case binaryCrossentropy = "binary_crossentropy"
        /// The sum of −t ln p over the outputs, with a target for each output.
        case categoricalCrossentropy = "categorical_crossentropy"
        /// −ln p of the output whose index is the target.
        case sparseCategoricalCrossentropy = "sparse_categorical_crossentropy"
        /// The mean of (y − t)² over the outputs.
        case meanSquaredError = "mean_squared_error"
    }

    /// The function.
    package var function: Function
    /// Whether the outputs are logits, not probabilities.
    package var fromLogits: Bool
    /// The fraction of each label that is spread over all classes; only for binary and categorical cross-entropy.
    package var labelSmoothing: Double

    /// Creates a loss. Each parameter sets the property of the same name.
    package init(_ function: Function, fromLogits: Bool = false, labelSmoothing: Double = 0) {
        self.function = function
        self.fromLogits = fromLogits
        self.labelSmoothing = labelSmoothing
    }

    /// Returns the number of targets in one label for a model with the given number of outputs.
    package func targets(outputs: Int) -> Int { function == .sparseCategoricalCrossentropy ? 1 : outputs }
}
