/// The reason why the table refuses a request about streams. A refused request changes nothing.
public struct StreamsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of obstacle.
    public enum Cause: Equatable, Sendable {
        /// No stream has that id.
        case unknownStream
        /// The state belongs to other weights, or does not fit its model.
        case otherState
        /// State of other weights cannot continue with the current ones.
        case cannotContinue
        /// The mode of the model does not allow the request.
        case mode
        /// There would be more streams than the limit.
        case tooManyStreams
        /// Streams are still in the store.
        case notRead
    }

    /// The kind of obstacle.
    public let cause: Cause
    /// The problem and its remedy.
    public let description: String

    init(_ cause: Cause, _ description: String) {
        self.cause = cause
        self.description = description
    }
}
