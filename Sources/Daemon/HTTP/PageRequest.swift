import Foundation
import HTTPServer
import NIOCore
import Wire

/// A control request in the body of an HTTP request: `{"method": "…", "params": {…}}`.
struct PageRequest {
    /// The maximum size of the body, in bytes.
    static let maximumBody = 1 << 14
    /// The methods that every page may use, because they only report.
    static let reporting: [ControlCommand.Method] = [.status, .stream, .streams, .history]
    /// The methods that need the token. `export` is one of them, because it reveals a stream's state.
    static let guarded: [ControlCommand.Method] = [.reset, .pause, .resume, .snapshot, .export]
    private static let maximumDepth = 8
    private static let maximumValues = 2_000

    /// The method; nil if there is no method of that name.
    let method: ControlCommand.Method?
    /// The request as the control socket would receive it.
    let json: [UInt8]

    /// Reads the body of a request. Returns nil if the body does not have this form.
    init?(_ body: ByteBuffer) {
        guard
            let value = try? JSONValue.read(
                Array(body.readableBytesView).span, depth: Self.maximumDepth, values: Self.maximumValues),
            let members = value.members, case .string(let method) = members["method"],
            Set(members.keys).isSubset(of: ["method", "params"])
        else { return nil }
        var request = members
        request["jsonrpc"] = .string("2.0")
        request["id"] = .null
        guard let json = try? JSONEncoder().encode(JSONValue.object(request)) else { return nil }
        self.method = ControlCommand.Method(rawValue: method)
        self.json = Array(json)
    }
}
