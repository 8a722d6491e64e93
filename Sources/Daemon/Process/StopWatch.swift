import Dispatch
import Foundation
public import Logging
import ModelFiles
import Synchronization

/// Makes sure that a stop ends in time, no matter what the daemon is doing when the stop is requested.
///
/// If the daemon is still loading models and state, the process ends at once, because nothing can be lost yet. Later,
/// the hot loop performs an orderly stop. When the time is up, sockets that still linger for their peers are cut off,
/// but a write of state is never cut off.
///
/// The stop watch uses its own threads, so that nothing else can block it.
public final class StopWatch: Sendable {
    /// The maximum duration of a stop, unless writing state takes longer.
    static let patience = Duration.seconds(5)
    /// The time for which sockets may linger even if writing the state took all of ``patience``.
    private static let leastLinger = Duration.milliseconds(500)

    /// The closures that pass requests on to the threads that serve. Any thread may call them.
    struct Requests: Sendable {
        /// Starts an orderly stop.
        let stop: @Sendable () -> Void
        /// Reads the models and the authorized keys again.
        let reload: @Sendable () -> Void
    }

    private enum Phase {
        /// The daemon is reading models and state. If the flag is set, a reload follows as soon as the daemon serves.
        case loading(isReloadAsked: Bool)
        /// The daemon serves.
        case serving(Requests)
        /// All received timesteps have been consumed, and state is being written. No more reloads begin.
        case storing
        /// All state is durable, and sockets are lingering for their peers. `status` is the exit status of the process.
        case closing(since: ContinuousClock.Instant, status: Int32)
    }

    private struct State {
        var phase = Phase.loading(isReloadAsked: false)
        var asked: ContinuousClock.Instant?
    }

    private let logger: Logger
    private let state = Mutex(State())
    private let wasAsked = DispatchSemaphore(value: 0)
    private let hasEnded = DispatchSemaphore(value: 0)

    /// Begins to handle SIGTERM, SIGINT and SIGHUP.
    ///
    /// - Parameter logger: The logger for the stop and for anything that the stop cuts off.
    public init(logger: Logger) {
        self.logger = logger
        // Each thread inherits the signal mask of the thread that creates it. From here on, only the thread in
        // `sigwait` receives these signals.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for signal in [SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&signals, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        Thread.detachNewThread { [self, signals] in
            ThreadName.take("sluice-signals")
            listen(to: signals)
        }
        Thread.detachNewThread { [self] in
            ThreadName.take("sluice-stop")
            watch()
        }
    }

    private func listen(to signals: sigset_t) {
        var signals = signals
        while true {
            var signal: Int32 = 0
            guard unsafe sigwait(&signals, &signal) == 0 else { continue }
            switch signal {
            case SIGHUP: reload()
            default:
                logger.debug("\(signal == SIGINT ? "SIGINT" : "SIGTERM") received")
                ask()
            }
        }
    }

    /// Starts a stop. Can be called from any thread; only the first call has an effect.
    func ask() {
        state.withLock { state in
            guard state.asked == nil else { return }
            state.asked = .now
            switch state.phase {
            case .loading:
                logger.notice("stopped before it served, while models and state were being read")
                KerasProcess.endAll()
                // Exit while holding the lock, so that the next phase cannot begin.
                _exit(EXIT_SUCCESS)
            case .serving(let requests): requests.stop()
            case .storing, .closing: break
            }
        }
        wasAsked.signal()
    }

    /// Starts a reload of the models and the authorized keys.
    private func reload() {
        state.withLock { state in
            switch state.phase {
            case .loading: state.phase = .loading(isReloadAsked: true)
            case .serving(let requests): requests.reload()
            case .storing, .closing: break
            }
        }
    }

    /// Records that the daemon serves, and can be asked to stop and to reload.
    func begin(_ requests: Requests) {
        state.withLock { state in
            if case .loading(isReloadAsked: true) = state.phase { requests.reload() }
            state.phase = .serving(requests)
        }
    }

    /// Records that all received timesteps have been consumed and that writing the state is the next step.
    func beginStoring() { state.withLock { $0.phase = .storing } }

    /// Records that all state is durable and that closing the sockets is the next step.
    ///
    /// - Parameter status: The exit status of the process.
    /// - Returns: The time for which the sockets may linger.
    func beginClosing(status: Int32) -> Duration {
        state.withLock { state in
            let now = ContinuousClock.now
            state.phase = .closing(since: now, status: status)
            let left = Self.patience - (state.asked ?? now).duration(to: now) - .seconds(1)
            return max(left, Self.leastLinger)
        }
    }

    /// Records that the daemon has stopped.
    func end() { hasEnded.signal() }

    private func watch() {
        wasAsked.wait()
        guard hasEnded.wait(timeout: .now() + Self.patience / .seconds(1)) == .timedOut else { return }
        var isTold = false
        repeat {
            let work: String
            switch state.withLock(\.phase) {
            case .closing(let since, let status):
                guard since.duration(to: .now) >= Self.leastLinger * 2 else { continue }
                logger.error("the stop took longer than \(Self.patience): connections that are still open are cut off")
                _exit(status)
            case .storing: work = "the daemon is still writing state and completes this"
            case .loading, .serving: work = "the daemon is still consuming received timesteps"
            }
            if !isTold { logger.warning("the stop takes longer than \(Self.patience): \(work)") }
            isTold = true
        } while hasEnded.wait(timeout: .now() + 0.1) == .timedOut
    }
}
