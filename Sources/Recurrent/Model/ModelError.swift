/// The reason why a model could not be built. Only building a model throws; a step never does.
package struct ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of mistakes.
    package enum Code: Equatable, Sendable {
        /// A weight's shape or an option is invalid, or the widths of two adjacent layers do not match.
        case shape
        /// A weight or an option is NaN or infinite, or a variance or `epsilon` is negative.
        case notFinite
        /// The model has no layers.
        case empty
    }

    /// The kind of mistake.
    package let code: Code

    /// The weight, option or layer at fault, with the actual and the expected shape or value.
    package let context: String

    /// Creates an error. Each parameter sets the property of the same name.
    package init(code: Code, context: String) {
        self.code = code
        self.context = context
    }

    /// The context in one line.
    package var description: String { context }
}

extension ModelError {
    /// Rejects a layer with fewer than one unit.
    static func check(units: Int) throws(ModelError) {
        guard units >= 1 else {
            throw ModelError(code: .shape, context: "the layer has \(units) units, expected at least 1")
        }
    }
}
