import Dispatch
import Glibc
import Synchronization
import ZeroMQ

/// Ctrl-C and SIGTERM as a state that a loop can check, and that wakes a poller.
final class Interruption {
    /// The state that the signal handlers share with the loop.
    private final class Request: Sendable {
        let wakeup: Wakeup
        let isMade = Mutex(false)

        init() throws(ZeroMQError) {
            wakeup = try Wakeup()
        }

        func make() {
            isMade.withLock { $0 = true }
            wakeup.signal()
        }
    }

    private let request: Request
    private var sources: [any DispatchSourceSignal] = []

    /// From here on, the signals no longer end the process.
    init() throws(ZeroMQError) {
        request = try Request()
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [request] in request.make() }
            source.resume()
            sources.append(source)
        }
    }

    /// The wake-up for a poller.
    var wakeup: Wakeup { request.wakeup }

    /// Whether a signal has arrived.
    var isRequested: Bool { request.isMade.withLock { $0 } }
}
