import Dispatch
import Foundation
public import Logging
import ModelFiles
import Synchronization

/// Sees that a stop ends in time, whatever the daemon is doing when it is asked for.
///
/// While models and state are read, nothing is served and nothing can be lost: the process ends at once. Later the hot loop
/// stops in order. State that is being written is never cut off; sockets that still wait for their peers are.
///
/// Waits on threads of its own, so that nothing else can keep it from doing so.
public final class StopWatch: Sendable {
    /// How long a stop may take from the moment that it is asked for, but for state that is still being written.
    static let patience = Duration.seconds(5)
    /// How long sockets may wait for their peers where writing the state has taken all of the patience.
    private static let leastLinger = Duration.milliseconds(500)

    private enum Phase {
        /// Models and state are read. The flag: they are to be read again as soon as they are there.
        case loading(isReloadAsked: Bool)
        /// The hot loop runs, and reads its mailbox.
        case serving(Mailbox)
        /// What had come is taken. State is being written, and reloads are not begun.
        case storing
        /// All state is durable; sockets wait for their peers. The status is the process's.
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

    /// Begins to listen to SIGTERM, SIGINT and SIGHUP.
    ///
    /// - Parameter logger: Where it is said what was cut off.
    public init(logger: Logger) {
        self.logger = logger
        // Threads have the mask of the thread that makes them: from here on all leave these signals to the one that waits.
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
                logger.debug("\(signal == SIGINT ? "SIGINT" : "SIGTERM") came")
                ask()
            }
        }
    }

    /// Has the daemon stop. From any thread; the first time counts.
    func ask() {
        state.withLock { state in
            guard state.asked == nil else { return }
            state.asked = .now
            switch state.phase {
            case .loading:
                logger.notice("stopped before it served: models and state were still being read")
                KerasReader.endAll()
                // Within the lock, so that nothing begins any more.
                _exit(EXIT_SUCCESS)
            case .serving(let mailbox): mailbox.post { $0.isStopping = true }
            case .storing, .closing: break
            }
        }
        wasAsked.signal()
    }

    /// Has the models, and the keys of who may come in, read again.
    private func reload() {
        state.withLock { state in
            switch state.phase {
            case .loading: state.phase = .loading(isReloadAsked: true)
            case .serving(let mailbox): mailbox.post { $0.reloadAll() }
            case .storing, .closing: break
            }
        }
    }

    /// The hot loop is there, and reads its mailbox from now on.
    func begin(_ mailbox: Mailbox) {
        state.withLock { state in
            if case .loading(isReloadAsked: true) = state.phase { mailbox.post { $0.reloadAll() } }
            state.phase = .serving(mailbox)
        }
    }

    /// What had come is taken: state is written next.
    func beginStoring() { state.withLock { $0.phase = .storing } }

    /// All state is durable: sockets are closed next.
    ///
    /// - Parameter status: What the process ends with.
    /// - Returns: How long they may wait for their peers.
    func beginClosing(status: Int32) -> Duration {
        state.withLock { state in
            let now = ContinuousClock.now
            state.phase = .closing(since: now, status: status)
            let left = Self.patience - (state.asked ?? now).duration(to: now) - .seconds(1)
            return max(left, Self.leastLinger)
        }
    }

    /// The daemon has stopped.
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
                logger.error("the stop took longer than \(Self.patience): connections that did not close are cut off")
                _exit(status)
            case .storing: work = "state is still being written, which is not cut off"
            case .loading, .serving: work = "what had come is still being taken"
            }
            if !isTold { logger.warning("the stop takes longer than \(Self.patience): \(work)") }
            isTold = true
        } while hasEnded.wait(timeout: .now() + 0.1) == .timedOut
    }
}
