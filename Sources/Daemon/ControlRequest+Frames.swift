import Foundation
package import Wire

extension ControlRequest {
    /// The most bytes in a request.
    private static let maximumLength = 1 << 20
    /// The most arrays and objects within one another in a request.
    private static let maximumDepth = 32

    /// Reads a request as it came.
    ///
    /// - Parameter frames: What stands behind the peer's address.
    /// - Returns: Its id, null where none can be read, and the command or what is wrong with the request.
    package static func read(_ frames: [[UInt8]]) -> (id: JSONValue, command: Result<ControlCommand, ControlError>) {
        guard frames.count == 1, let text = frames.first else {
            return (.null, .failure(ControlError(.invalidRequest, "a request is one frame of JSON")))
        }
        // Requests are decoded between two timesteps: what would take long is not decoded at all.
        guard text.count <= maximumLength, !JSONValue.isNested(text, deeperThan: maximumDepth) else {
            let problem =
                "a request has at most \(maximumLength) bytes, and at most \(maximumDepth) arrays and objects within one "
                + "another"
            return (.null, .failure(ControlError(.parse, problem)))
        }
        guard let json = try? JSONDecoder().decode(JSONValue.self, from: Data(text)) else {
            return (.null, .failure(ControlError(.parse, "the request is not JSON")))
        }
        do throws(ControlError) {
            let request = try ControlRequest(json)
            return (request.id, .success(request.command))
        } catch {
            return (id(in: json), .failure(error))
        }
    }
}
