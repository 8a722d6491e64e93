import Testing
import ZeroMQ

/// A controller that sends requests without waiting for the answers.
final class Requester {
    private let context: Context
    private let socket: Socket

    init(_ daemon: DaemonProcess) throws {
        context = try Context()
        socket = try Socket(.dealer, in: context)
        try socket.set(.linger, to: 0)
        try socket.set(.receiveTimeout, to: 20_000)
        try socket.attach(to: try Endpoint(connecting(daemon.control)), otherwise: .connect)
    }

    func send(_ method: String, _ parameters: String, _ number: Int) throws {
        let text = #"{"jsonrpc":"2.0","id":\#(number),"method":"\#(method)","params":\#(parameters)}"#
        try #require(try socket.sendFrames([[], Array(text.utf8)], wait: true))
    }

    func receive() throws -> String {
        let frames = try #require(try socket.receiveFrames(wait: true), "no answer arrived")
        return String(decoding: frames.last ?? [], as: UTF8.self)
    }
}
