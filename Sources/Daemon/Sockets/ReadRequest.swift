import Foundation
import Streams
import Wire

/// A request whose meaning is known: all that takes long of it was done, on whichever thread made it.
struct ReadRequest: Sendable {
    let address: ControlServer.ReturnAddress
    /// The command, or what is wrong with the request. A `write_snapshot` has its streams as ``images``.
    let command: Result<ControlCommand, ControlError>
    /// The streams of a `write_snapshot`, or the one of an `import`.
    let images: [StreamImage]

    init(_ request: RawRequest) {
        let (id, command) = ControlRequest.read(request.body)
        address = ControlServer.ReturnAddress(
            peer: request.peer, hasDelimiter: request.hasDelimiter, id: id, byteCount: request.byteCount)
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

/// A reply as it goes on the wire.
struct WrittenReply: Sendable {
    let json: [UInt8]
    /// Whether the request was carried out.
    let isSuccess: Bool

    init<Value: Codable & Sendable>(_ outcome: Result<Value, ControlError>, id: JSONValue) {
        if case .success = outcome { isSuccess = true } else { isSuccess = false }
        let encoder = JSONEncoder()
        if let data = try? encoder.encode(ControlReply(id: id, outcome: outcome)) {
            json = Array(data)
        } else {
            // Only a NaN or an infinity among the numbers cannot be written as JSON, and no result should hold one.
            let error = ControlError(.internal, "the result holds a number that JSON cannot express")
            json = Array((try? encoder.encode(ControlReply<Value>(id: id, outcome: .failure(error)))) ?? Data())
        }
    }
}
