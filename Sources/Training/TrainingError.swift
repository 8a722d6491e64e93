/// The reason why training cannot begin.
package struct TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of mistakes.
    package enum Code: Equatable, Sendable {
        /// The model has a layer that cannot be trained.
        case unsupported
        /// The data do not fit the model or the loss.
        case data
        /// An option is out of its range.
        case option
    }

    /// The kind of mistake.
    package let code: Code
    /// A description of the mistake, with the actual and the expected values.
    package let context: String

    package var description: String { context }

    init(_ code: Code, _ context: String) {
        self.code = code
        self.context = context
    }
}
