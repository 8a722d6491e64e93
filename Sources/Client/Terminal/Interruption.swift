import Dispatch
import Glibc
import Synchronization
import ZeroMQ

/// Turns Ctrl-C and SIGTERM into a state that a loop can check, and wakes a poller. A second signal ends the process at
/// once, in case the loop never checks the state.
final class Interruption {
    /// The state that the signal handlers share with the loop.
    private final class Request: Sendable {
        let wakeup: Wakeup
        let signal = Mutex<CInt?>(nil)

        init() throws(ZeroMQError) {
            wakeup = try Wakeup()
        }

        func make(by number: CInt) {
            signal.withLock { $0 = $0 ?? number }
            Interruption.signals.forEach(Interruption.restoreDefault)
            wakeup.signal()
        }
    }

    private static let signals = [SIGINT, SIGTERM]

    private let request: Request
    private var sources: [any DispatchSourceSignal] = []

    /// Installs the handlers. From then on, the first signal does not end the process.
    init() throws(ZeroMQError) {
        request = try Request()
        for number in Self.signals {
            Glibc.signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [request] in request.make(by: number) }
            source.resume()
            sources.append(source)
        }
    }

    /// The wake-up for a poller.
    var wakeup: Wakeup { request.wakeup }

    /// The first signal that has arrived; nil if no signal has arrived.
    var signal: CInt? { request.signal.withLock { $0 } }

    /// Whether a signal has arrived.
    var isRequested: Bool { signal != nil }

    /// A function that returns ``isRequested``, for other threads.
    var check: @Sendable () -> Bool { { [request] in request.signal.withLock { $0 != nil } } }

    /// Sleeps for the given time, or until a signal arrives.
    func sleep(_ duration: Duration) {
        let deadline = ContinuousClock.now + duration
        var item = pollfd(fd: wakeup.readEnd, events: Int16(POLLIN), revents: 0)
        while !isRequested {
            let left = deadline - .now
            if left < .milliseconds(1) { return Pacer.sleep(max(left, .zero)) }
            _ = unsafe poll(&item, 1, CInt(min(left, .seconds(3600)) / .milliseconds(1)))
        }
    }

    private static func restoreDefault(_ number: CInt) { Glibc.signal(number, SIG_DFL) }
}
