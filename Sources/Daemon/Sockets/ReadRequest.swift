import Foundation
import Streams
import Wire

/// A request that has been parsed. Large requests are parsed on another thread, so that the hot loop does not wait.
struct ReadRequest: Sendable {
    let address: ControlServer.ReturnAddress
    /// The command, or the error in the request. The streams of a `write_snapshot` request are in ``images`` instead.
    let command: Result<ControlCommand, ControlError>
    /// The streams of a `write_snapshot` request, or the single stream of an `import` request.
    let images: [StreamImage]

    init(_ request: RawRequest) {
        let (id, command) = ControlRequest.read(request.body)
        address = ControlServer.ReturnAddress(
            controller: request.controller, hasDelimiter: request.hasDelimiter, id: id, byteCount: request.byteCount)
        do throws(ControlError) {
            switch try command.get() {
            case .writeSnapshot(let name, let streams):
                images = try streams.map { stream throws(ControlError) in try stream.image() }
                self.command = .success(.writeSnapshot(name: name, []))
            case .import(let stream, let id):
                images = [try stream.image(as: id)]
                self.command = command
            default:
                images = []
                self.command = command
            }
        } catch {
            images = []
            self.command = .failure(error)
        }
    }
}

/// A reply encoded as JSON.
struct WrittenReply: Sendable {
    let json: [UInt8]
    /// Whether the request succeeded.
    let isSuccess: Bool

    init<Value: Codable & Sendable>(_ outcome: Result<Value, ControlError>, id: JSONValue) {
        if case .success = outcome { isSuccess = true } else { isSuccess = false }
        let encoder = JSONEncoder()
        if let data = try? encoder.encode(ControlReply(id: id, outcome: outcome)) {
            json = Array(data)
        } else {
            // JSON has no NaN or infinity. No result should contain either.
            let error = ControlError(.internal, "the result holds a number that JSON cannot express")
            json = Array((try? encoder.encode(ControlReply<Value>(id: id, outcome: .failure(error)))) ?? Data())
        }
    }
}
