package import Wire

extension ControlError {
    /// Creates the error that a controller receives when the stream table refuses a request.
    package init(_ error: StreamsError) {
        switch error.cause {
        case .unknownStream: self.init(.noSuchStream, error.description)
        case .otherState, .cannotContinue: self.init(.fingerprintDiffers, error.description)
        case .mode: self.init(.refusedInMode, error.description)
        case .tooManyStreams:
            self.init(.refusedInMode, "\(error.description); --max-streams sets the limit")
        case .notRead: self.init(.internal, error.description)
        }
    }
}

/// Calls the stream table, and turns a refusal into the error of a control request.
package func answering<Answer>(_ request: () throws(StreamsError) -> Answer) throws(ControlError) -> Answer {
    do throws(StreamsError) {
        return try request()
    } catch {
        throw ControlError(error)
    }
}
