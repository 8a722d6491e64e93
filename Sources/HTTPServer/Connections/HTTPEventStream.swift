package import NIOCore
import NIOHTTP1
import Synchronization

/// An open stream of server-sent events to one client. Any thread may send.
package final class HTTPEventStream: Sendable {
    /// The maximum number of unread bytes at which the server still accepts an event for a client. Above this maximum,
    /// the next event cuts the client off.
    static let maximumUnread = 1 << 18

    private let channel: any Channel
    private let unread = Atomic<Int>(0)

    init(_ channel: any Channel) {
        self.channel = channel
    }

    /// Succeeds when either side has ended the stream.
    package var closeFuture: EventLoopFuture<Void> { channel.closeFuture }

    /// Whether the system has accepted all events for sending. The server cannot know whether the client has read them.
    package var isRead: Bool { unread.load(ordering: .relaxed) == 0 }

    /// Sends an event. If the client has left too many bytes unread, ends the stream instead.
    ///
    /// - Parameter event: The event.
    package func send(_ event: HTTPEvent) {
        let size = event.text.readableBytes
        guard unread.add(size, ordering: .relaxed).oldValue <= Self.maximumUnread else { return close() }
        channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(event.text))).whenComplete { [self] _ in
            unread.subtract(size, ordering: .relaxed)
        }
    }

    /// Ends the stream once the system has taken all events.
    package func end() {
        channel.writeAndFlush(HTTPServerResponsePart.end(nil)).whenComplete { [self] _ in close() }
    }

    /// Ends the stream at once.
    package func close() { channel.close(promise: nil) }
}

/// A server-sent event, ready to send to any number of clients.
package struct HTTPEvent: Sendable {
    let text: ByteBuffer

    /// Creates an event.
    ///
    /// - Parameters:
    ///   - name: The name of the event, for `addEventListener`.
    ///   - data: The data: one line of text.
    package init(_ name: String, _ data: some Sequence<UInt8>) {
        var text = ByteBuffer(string: "event: \(name)\ndata: ")
        text.writeBytes(data)
        text.writeString("\n\n")
        self.text = text
    }
}
