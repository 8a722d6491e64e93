/// Why a model could not be built. Thrown while a model is built, never by a step.
public struct ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of thing was wrong.
    public enum Code: Equatable, Sendable {
        /// A weight's shape, or the sizes of two layers in a row, do not fit.
        case shape
        /// A weight is NaN or infinite.
        case notFinite
        /// A model needs at least one layer.
        case empty
    }

    /// What kind of thing was wrong.
    public let code: Code

    /// Which weight or layer it was, with the shapes found and expected.
    public let context: String

    /// The context in one line.
    public var description: String { context }
}

extension ModelError {
    /// Refuses a layer without width.
    static func check(units: Int) throws(ModelError) {
        guard units >= 1 else {
            throw ModelError(code: .shape, context: "the layer has \(units) units, expected at least 1")
        }
    }
}
