import Glibc
import Synchronization

/// A child process that produces one answer. Its owner then ends the process.
struct ChildProcess: ~Copyable {
    /// The way a process ended.
    enum End {
        /// The process exited on its own, or the system did not report how it ended.
        case status
        /// A signal ended the process.
        case signal(Int32)
    }

    /// The child processes that have not been ended yet.
    private static let running = Mutex<Set<pid_t>>([])

    private let identifier: pid_t

    /// Starts a program with a given standard input and output. Its standard error is discarded.
    ///
    /// - Parameters:
    ///   - program: The path of the program.
    ///   - name: The name that the program runs under, passed as its only argument, `argv[0]`.
    ///   - input: The standard input.
    ///   - output: The standard output.
    /// - Throws: ``Defect`` with the system's reason.
    init(_ program: String, name: String, input: Int32, output: Int32) throws(Defect) {
        // Move the descriptors out of the range 0 to 2, which they may occupy if this process was started without
        // standard descriptors.
        let input = fcntl(input, F_DUPFD_CLOEXEC, 3)
        defer { _ = close(input) }
        let output = fcntl(output, F_DUPFD_CLOEXEC, 3)
        defer { _ = close(output) }
        guard input >= 0, output >= 0 else { throw Defect(.unreadable, SystemError.text) }

        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)

        // Reset the handling of all signals. The daemon ignores and blocks signals that must be able to end the new
        // process.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var arguments = unsafe [strdup(name), nil]
        // Environment variables can control libhdf5. Therefore, pass on only the location of the libraries.
        var environment = unsafe [strdup("SWIFT_BACKTRACE=enable=no")]
        if let path = unsafe getenv("LD_LIBRARY_PATH") {
            unsafe environment.append(strdup("LD_LIBRARY_PATH=\(String(cString: path))"))
        }
        unsafe environment.append(nil)
        defer { unsafe (arguments + environment).forEach { unsafe free($0) } }
        var identifier: pid_t = 0
        let failure = unsafe posix_spawn(&identifier, program, &actions, &attributes, &arguments, &environment)
        guard failure == 0 else { throw Defect(.unreadable, unsafe String(cString: strerror(failure))) }
        self.identifier = identifier
        Self.running.withLock { _ = $0.insert(identifier) }
    }

    /// The time without any progress after which a process counts as stalled, in milliseconds.
    private static let stalledMilliseconds: Int32 = 60_000

    /// Reads the process's output until the output has `count` bytes, or until the process ends or closes the output.
    ///
    /// No clock limits the time, because a busy machine may run the process rarely. The process limits its own
    /// processor time.
    ///
    /// - Parameters:
    ///   - count: The number of bytes.
    ///   - output: The read end of the output.
    /// - Returns: The bytes, fewer if the output ends early; nil if the process stalls: it neither writes nor uses the
    ///   processor.
    func read(_ count: Int, from output: Int32) -> [UInt8]? {
        var isStalled = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let before = processorTime
                var event = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
                let ready = unsafe poll(&event, 1, Self.stalledMilliseconds)
                if ready < 0 && errno == EINTR { continue }
                isStalled = ready == 0 && processorTime == before
                if isStalled { break }
                if ready == 0 { continue }
                let length = unsafe Glibc.read(output, buffer.baseAddress.map { unsafe $0 + filled }, count - filled)
                if length < 0 && errno == EINTR { continue }
                if length <= 0 { break }
                filled += length
            }
        }
        return isStalled ? nil : bytes
    }

    /// The processor time that the process has used, in nanoseconds; 0 if it has ended.
    private var processorTime: Int {
        var clock = clockid_t()
        var time = timespec()
        guard unsafe clock_getcpuclockid(identifier, &clock) == 0, unsafe clock_gettime(clock, &time) == 0 else {
            return 0
        }
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Ends all child processes. Pending reads then see the end of the output.
    static func endAll() {
        running.withLock { identifiers in
            for identifier in identifiers { kill(identifier, SIGKILL) }
        }
    }

    /// Ends the process if it is still running, and reaps it.
    consuming func end() -> End {
        kill(identifier, SIGKILL)
        // Forget the identifier before the system can reuse it for another process.
        Self.running.withLock { _ = $0.remove(identifier) }
        var status: Int32 = 0
        while unsafe waitpid(identifier, &status, 0) == -1 {
            // If SIGCHLD is ignored, the system does not report how a process ended.
            guard errno == EINTR else { return .status }
        }
        let signal = status & 0x7F
        return signal == 0 ? .status : .signal(signal)
    }
}
