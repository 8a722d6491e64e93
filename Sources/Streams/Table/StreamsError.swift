/// The reason why the table refuses a request about streams. A refused request changes nothing.
public struct StreamsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of problem.
    public enum Cause: Equatable, Sendable {
        /// No stream has that id.
        case unknownStream
        /// The state belongs to other weights, or does not fit its model.
        case otherState
        /// State that belongs to other weights cannot continue with the current ones.
        case cannotContinue
        /// The mode of the model does not allow the request.
        case mode
        /// There would be more streams than the limit allows.
        case tooManyStreams
        /// Some streams have not been read from the store yet.
        case notRead
    }

    /// The kind of problem.
    public let cause: Cause
    /// The problem and its remedy.
    public let description: String

    init(_ cause: Cause, _ description: String) {
        self.cause = cause
        self.description = description
    }
}
