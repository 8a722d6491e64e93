package import Wire

extension ControlRequest {
    /// The maximum size of a request, in bytes.
    static let maximumLength = 1 << 20
    /// The maximum nesting of arrays and objects in a request.
    private static let maximumDepth = 32
    /// The maximum number of JSON values in a request. Even a `write_snapshot` request of 1 MiB that holds the smallest
    /// possible streams contains fewer.
    private static let maximumValues = 100_000

    /// Reads the frames of a request.
    ///
    /// - Parameter frames: The frames that follow the peer's address and the delimiter.
    /// - Returns: The request's id, which is null if it cannot be read, and either the command or the error.
    package static func read(_ frames: [[UInt8]]) -> (id: JSONValue, command: Result<ControlCommand, ControlError>) {
        guard frames.count == 1, let text = frames.first else {
            return (.null, .failure(ControlError(.invalidRequest, "a request is one frame of JSON")))
        }
        guard text.count <= maximumLength else {
            return (.null, .failure(ControlError(.parse, "a request has at most \(maximumLength) bytes")))
        }
        let json: JSONValue
        do throws(JSONProblem) {
            json = try JSONValue.read(text.span, depth: maximumDepth, values: maximumValues)
        } catch {
            return (.null, .failure(ControlError(.parse, explanation(of: error))))
        }
        do throws(ControlError) {
            let request = try ControlRequest(json)
            return (request.id, .success(request.command))
        } catch {
            return (id(in: json), .failure(error))
        }
    }

    private static func explanation(of problem: JSONProblem) -> String {
        switch problem {
        case .notJSON: "the request is not JSON"
        case .tooDeep: "a request has at most \(maximumDepth) arrays and objects within one another"
        case .tooManyValues: "a request has at most \(maximumValues) values"
        }
    }
}
