import TestSupport
import Testing
import ZeroMQ

/// Tests sending and receiving over every transport.
@Suite struct `A socket` {
    /// The transport between two sockets. Each test has its own address.
    enum Transport: CaseIterable {
        case inproc, ipc, ipcAnywhere, tcp

        func address(in folder: TemporaryFolder) -> String {
            switch self {
            case .inproc: "inproc://meeting"
            case .ipc: "ipc://\(folder.path("s"))"
            case .ipcAnywhere: "ipc://*"
            case .tcp: "tcp://127.0.0.1:*"
            }
        }
    }

    private let context: Context
    private let folder: TemporaryFolder

    init() throws {
        context = try Context()
        folder = try TemporaryFolder()
    }

    /// Returns a socket that has timeouts suitable for tests and drops unsent messages when it closes.
    private func socket(_ kind: Socket.Kind) throws -> Socket {
        let socket = try Socket(kind, in: context)
        try socket.set(.linger, to: 0)
        try socket.set(.receiveTimeout, to: 10_000)
        try socket.set(.sendTimeout, to: 10_000)
        return socket
    }

    static let messages: [[[UInt8]]] = [
        [[1, 2, 3]], [[]], [[], []], [[1], [], [2, 3]], [Array("id".utf8), Array(repeating: 7, count: 100), []],
        (0..<50).map { [UInt8($0)] },
    ]

    @Test(arguments: Transport.allCases)
    func `a PULL socket receives the frames of a PUSH socket in order`(transport: Transport) throws {
        let pull = try socket(.pull)
        try pull.attach(to: Endpoint(nil, transport.address(in: folder)), otherwise: .bind)
        let push = try socket(.push)
        try push.attach(to: Endpoint(nil, try pull.lastAddress()), otherwise: .connect)
        for message in Self.messages {
            let isTaken = try push.sendFrames(message, wait: true)
            #expect(isTaken)
        }
        for message in Self.messages {
            let received = try pull.receiveFrames(wait: true)
            #expect(received == message)
        }
    }

    @Test(arguments: Transport.allCases)
    func `a frame of a megabyte arrives complete`(transport: Transport) throws {
        let pull = try socket(.pull)
        try pull.attach(to: Endpoint(.bind, transport.address(in: folder)), otherwise: .connect)
        let push = try socket(.push)
        try push.attach(to: Endpoint(.connect, try pull.lastAddress()), otherwise: .bind)
        let large = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
        try push.sendFrames([[9], large], wait: true)
        let received = try pull.receiveFrames(wait: true)
        #expect(received == [[9], large])
    }

    @Test(arguments: Transport.allCases)
    func `a SUB socket receives only the topics of its subscriptions`(transport: Transport) throws {
        let publisher = try socket(.xpub)
        try publisher.attach(to: Endpoint(nil, transport.address(in: folder)), otherwise: .bind)
        let subscriber = try socket(.sub)
        try subscriber.subscribe("a")
        try subscriber.attach(to: Endpoint(nil, try publisher.lastAddress()), otherwise: .connect)
        let subscription = try publisher.receiveFrames(wait: true)
        #expect(subscription == [[1] + Array("a".utf8)])
        for id in ["b", "a1", "", "ba", "a"] {
            try publisher.sendFrames([Array(id.utf8), [1]], wait: true)
        }
        let first = try subscriber.receiveFrames(wait: true)
        let second = try subscriber.receiveFrames(wait: true)
        #expect(first == [Array("a1".utf8), [1]])
        #expect(second == [Array("a".utf8), [1]])
    }

    @Test func `an XPUB socket reports every subscription if the option is set`() throws {
        let publisher = try socket(.xpub)
        try publisher.set(.everySubscription, to: 1)
        try publisher.attach(to: Endpoint(.bind, "inproc://p"), otherwise: .bind)
        var subscribers: [SubscriberOf] = []
        for _ in 0..<3 {
            subscribers.append(try SubscriberOf("inproc://p", in: context))
            let heard = try publisher.receiveFrames(wait: true)
            #expect(heard == [[1, 0x74]])
        }
        #expect(subscribers.count == 3)
    }

    @Test func `a ROUTER socket answers the peer that asked`() throws {
        let router = try socket(.router)
        try router.attach(to: Endpoint(nil, "tcp://127.0.0.1:*"), otherwise: .bind)
        let request = try socket(.req)
        let dealer = try socket(.dealer)
        try request.attach(to: Endpoint(.connect, try router.lastAddress()), otherwise: .bind)
        try dealer.attach(to: Endpoint(.connect, try router.lastAddress()), otherwise: .bind)
        try request.sendFrames([[1]], wait: true)
        try dealer.sendFrames([[2]], wait: true)
        for _ in 0..<2 {
            let frames = try #require(try router.receiveFrames(wait: true))
            try router.sendFrames(frames + [[3]], wait: true)
        }
        let toRequest = try request.receiveFrames(wait: true)
        let toDealer = try dealer.receiveFrames(wait: true)
        #expect(toRequest == [[1], [3]])
        #expect(toDealer == [[2], [3]])
    }

    @Test func `a receive without waiting returns nothing if there is no message`() throws {
        let pull = try socket(.pull)
        try pull.attach(to: Endpoint(.bind, "inproc://a"), otherwise: .bind)
        var message = Message()
        let isThere = try pull.receive(into: &message, wait: false)
        #expect(!isThere)
        let frames = try pull.receiveFrames(wait: false)
        #expect(frames == nil)
        try pull.set(.receiveTimeout, to: 1)
        let afterTimeout = try pull.receiveFrames(wait: true)
        #expect(afterTimeout == nil)
    }

    @Test func `a message is empty after a receive without a frame`() throws {
        let pull = try socket(.pull)
        let push = try socket(.push)
        try pull.attach(to: Endpoint(.bind, "inproc://once"), otherwise: .bind)
        try push.attach(to: Endpoint(.connect, "inproc://once"), otherwise: .connect)
        try push.sendFrames([Array(repeating: 7, count: 100)], wait: true)
        var message = Message()
        let came = try pull.receive(into: &message, wait: true)
        let size = message.bytes.count
        let cameAgain = try pull.receive(into: &message, wait: false)
        let (bytes, rawBytes) = (message.bytes.count, message.rawBytes.byteCount)
        #expect(came && !cameAgain)
        #expect(size == 100)
        #expect(bytes == 0 && rawBytes == 0)
    }

    @Test func `a PUSH socket without a peer accepts nothing`() throws {
        let push = try socket(.push)
        try push.attach(to: Endpoint(.bind, "inproc://a"), otherwise: .bind)
        let withoutWaiting = try push.sendFrames([[1]], wait: false)
        #expect(!withoutWaiting)
        try push.set(.sendTimeout, to: 1)
        let withWaiting = try push.sendFrames([[1]], wait: true)
        #expect(!withWaiting)
    }

    @Test(arguments: [Transport.tcp, .ipcAnywhere])
    func `a peer can connect to the last address`(transport: Transport) throws {
        let pull = try socket(.pull)
        try pull.attach(to: Endpoint(.bind, transport.address(in: folder)), otherwise: .bind)
        let address = try pull.lastAddress()
        #expect(!address.contains("*"))
        #expect(try Endpoint(address).address == address)
    }

    @Test(arguments: [Transport.inproc, .tcp])
    func `an address in use is reported as such`(transport: Transport) throws {
        let first = try socket(.pull)
        try first.attach(to: Endpoint(.bind, transport.address(in: folder)), otherwise: .bind)
        let address = try first.lastAddress()
        let context = context
        let error = try #require(throws: ZeroMQError.self) {
            let second = try Socket(.pull, in: context)
            try second.attach(to: Endpoint(nil, address), otherwise: .bind)
        }
        #expect(error.reason == .inUse)
        #expect(error.operation == "bind")
        #expect(error.context == address)
        #expect(error.description.contains(address))
    }

    @Test func `other errors are not reported as an address in use`() throws {
        let context = context
        let nowhere = try #require(throws: ZeroMQError.self) {
            let pull = try Socket(.pull, in: context)
            try pull.attach(to: Endpoint(.bind, "ipc:///no/such/folder/s"), otherwise: .bind)
        }
        #expect(nowhere.reason != .inUse)
        let subscription = try #require(throws: ZeroMQError.self) { try Socket(.pull, in: context).subscribe("a") }
        #expect(subscription.reason != .inUse)
        #expect(subscription.operation == "subscribe to")
        #expect(throws: ZeroMQError.self) { try Socket(.pull, in: context).sendFrames([[1]], wait: false) }
        #expect(throws: ZeroMQError.self) { try Socket(.push, in: context).receiveFrames(wait: false) }
    }

    @Test(arguments: [0, 1, 29, 30, 100, 1_048_576])
    func `a forwarded frame arrives, and its message is empty afterwards`(count: Int) throws {
        let entrance = try socket(.pull)
        try entrance.attach(to: Endpoint(.bind, "inproc://entrance"), otherwise: .bind)
        let source = try socket(.push)
        try source.attach(to: Endpoint(.connect, "inproc://entrance"), otherwise: .bind)
        let sink = try socket(.pull)
        try sink.attach(to: Endpoint(.bind, "inproc://sink"), otherwise: .bind)
        let exit = try socket(.push)
        try exit.attach(to: Endpoint(.connect, "inproc://sink"), otherwise: .bind)

        let frame = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        try source.sendFrames([frame], wait: true)
        var message = Message()
        let isThere = try entrance.receive(into: &message, wait: true)
        #expect(isThere)
        let counts = [message.bytes.count, message.rawBytes.byteCount]
        #expect(counts == [count, count])
        try exit.forward(&message, more: true, wait: true)
        let countAfter = message.bytes.count
        #expect(countAfter == 0)
        try exit.send([5, 6].span, wait: true)
        let received = try sink.receiveFrames(wait: true)
        #expect(received == [frame, [5, 6]])
    }

    @Test func `a message receives frame after frame, whether longer or shorter than before`() throws {
        let pull = try socket(.pull)
        try pull.attach(to: Endpoint(.bind, "inproc://a"), otherwise: .bind)
        let push = try socket(.push)
        try push.attach(to: Endpoint(.connect, "inproc://a"), otherwise: .bind)
        let counts = [3, 0, 5000, 1, 40, 40, 0]
        try push.sendFrames(counts.map { Array(repeating: UInt8($0 % 251), count: $0) }, wait: true)
        var message = Message()
        for (index, count) in counts.enumerated() {
            let isThere = try pull.receive(into: &message, wait: true)
            #expect(isThere)
            let bytes = Array(copying: message.bytes)
            #expect(bytes == Array(repeating: UInt8(count % 251), count: count))
            let hasMore = message.hasMore
            #expect(hasMore == (index < counts.count - 1))
        }
    }
}

/// A SUB socket that subscribes to `t`. It is a class because an array cannot store sockets.
private final class SubscriberOf {
    private let socket: Socket

    init(_ address: String, in context: Context) throws {
        socket = try Socket(.sub, in: context)
        try socket.subscribe("t")
        try socket.attach(to: Endpoint(.connect, address), otherwise: .connect)
    }
}
