import Dispatch
import Glibc
import Synchronization
import ZeroMQ

/// Ctrl-C and the request to terminate, as something that a loop can ask for and a poller wakes at.
final class Interruption {
    /// State that the signals' handlers share with the loop.
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

    /// From here on the signals do not end the process any more.
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

    /// Wakes a poller.
    var wakeup: Wakeup { request.wakeup }

    /// Whether it is time to end.
    var isRequested: Bool { request.isMade.withLock { $0 } }
}
