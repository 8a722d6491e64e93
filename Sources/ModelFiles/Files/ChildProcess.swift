import Glibc
import Synchronization

/// A process that is started to answer one question, and does not outlive it.
struct ChildProcess: ~Copyable {
    /// How the process ended.
    enum End {
        /// By itself, or unknown to us.
        case status
        /// By a signal.
        case signal(Int32)
    }

    /// Those that have not ended yet, as far as this process knows.
    private static let running = Mutex<Set<pid_t>>([])

    private let identifier: pid_t

    /// Starts a program with its standard input and output; what it says on standard error is lost.
    ///
    /// - Parameters:
    ///   - program: Its path.
    ///   - name: Its only argument, the name that it goes by.
    ///   - input: What becomes its standard input.
    ///   - output: What becomes its standard output.
    /// - Throws: ``Defect`` with the system's reason.
    init(_ program: String, name: String, input: Int32, output: Int32) throws(Defect) {
        // Where this process was started without the standard ones, these descriptors may have their numbers.
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

        // The daemon ignores and blocks signals that must end this one.
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
        // libhdf5 takes orders from the environment, so there is none but where the libraries are.
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

    /// Reads what the process writes until it has ended, or closed its end.
    ///
    /// - Parameters:
    ///   - output: Where its output comes.
    ///   - limit: The most bytes.
    ///   - seconds: How long it may take.
    /// - Returns: The bytes, or nil where there were more or it took longer.
    func answer(from output: Int32, atMost limit: Int, seconds: Int) -> [UInt8]? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let left = ContinuousClock.now.duration(to: deadline).components
            guard left.seconds >= 0, left.attoseconds >= 0 else { return nil }
            var event = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let milliseconds = Int32(left.seconds) * 1000 + Int32(left.attoseconds / 1_000_000_000_000_000) + 1
            guard unsafe poll(&event, 1, milliseconds) > 0 else { continue }
            let count = unsafe read(output, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return answer }
            answer += chunk[..<count]
            guard answer.count <= limit else { return nil }
        }
    }

    /// Ends all such processes. Whoever waits for an answer gets none.
    static func endAll() {
        running.withLock { identifiers in
            for identifier in identifiers { kill(identifier, SIGKILL) }
        }
    }

    /// Ends the process, if it has not ended by itself, and takes it off the system's table.
    consuming func end() -> End {
        kill(identifier, SIGKILL)
        // Before the system may give the identifier to another process.
        Self.running.withLock { _ = $0.remove(identifier) }
        var status: Int32 = 0
        while unsafe waitpid(identifier, &status, 0) == -1 {
            // Where the signal SIGCHLD is ignored, nobody tells how a process ended.
            guard errno == EINTR else { return .status }
        }
        let signal = status & 0x7F
        return signal == 0 ? .status : .signal(signal)
    }
}
