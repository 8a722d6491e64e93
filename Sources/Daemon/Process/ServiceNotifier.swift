import Foundation

/// Reports the daemon's state to systemd, using the protocol of sd_notify(3): each report is a datagram to the Unix
/// socket that an environment variable names.
struct ServiceNotifier: Sendable {
    /// A report to systemd.
    enum Notice: Equatable, Sendable {
        /// The daemon is ready. `systemctl status` shows the text.
        case ready(status: String)
        /// The daemon has begun to stop.
        case stopping
        /// The hot loop, or in a cluster the coordinator, is still running.
        case alive

        fileprivate var lines: String {
            switch self {
            case .ready(let status): "READY=1\nSTATUS=\(status)"
            case .stopping: "STOPPING=1"
            case .alive: "WATCHDOG=1"
            }
        }
    }

    /// The time within which systemd must receive `alive`; otherwise, systemd restarts the daemon. Nil if systemd does
    /// not watch the daemon.
    let watchdogInterval: Duration?
    private let address: UnixSocketAddress

    /// Reads the variables that systemd sets: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. Returns nil if
    /// systemd does not expect reports.
    ///
    /// - Parameters:
    ///   - environment: The environment of the process.
    ///   - processIdentifier: The id of the process that reports.
    /// - Throws: ``DaemonError`` with the code `configuration` if `NOTIFY_SOCKET` is not a valid address.
    init?(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        processIdentifier: Int32 = ProcessInfo.processInfo.processIdentifier
    ) throws(DaemonError) {
        guard let path = environment["NOTIFY_SOCKET"] else { return nil }
        guard let address = UnixSocketAddress(path) else {
            throw DaemonError(
                .configuration,
                "NOTIFY_SOCKET is '\(path)'; it must begin with / or @ and have at most 107 bytes")
        }
        self.address = address
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(processIdentifier)" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init) ?? 0
        watchdogInterval = isMeant && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// Sends a report without waiting. If systemd's socket is full, the report is lost.
    ///
    /// - Parameter notice: The report.
    /// - Throws: ``DaemonError`` with the system's reason.
    func send(_ notice: Notice) throws(DaemonError) {
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure(notice) }
        defer { close(descriptor) }
        let bytes = Array(notice.lines.utf8)
        let flags = CInt(MSG_DONTWAIT | MSG_NOSIGNAL)
        let sent = unsafe address.withPointer { address, length in
            unsafe sendto(descriptor, bytes, bytes.count, flags, address, length)
        }
        guard sent == bytes.count else { throw failure(notice) }
    }

    private func failure(_ notice: Notice) -> DaemonError {
        let reason = unsafe String(cString: strerror(errno))
        return DaemonError(.software, "could not send to systemd: \(notice.lines.split(separator: "\n")[0]): \(reason)")
    }

    /// Makes the hot loop report `alive` twice in each ``watchdogInterval``, until the process ends. A loop that hangs
    /// does not read its mailbox, so it reports nothing. This method returns at once if systemd does not watch the
    /// daemon.
    ///
    /// - Parameter mailbox: The hot loop's mailbox.
    func keepWatch(over mailbox: Mailbox) {
        guard let watchdogInterval else { return }
        while true {
            Thread.sleep(forTimeInterval: watchdogInterval / .seconds(2))
            mailbox.post { $0.notify(.alive) }
        }
    }
}

/// The reports of a loop without a mailbox that it is alive, twice in each ``ServiceNotifier/watchdogInterval``.
struct WatchdogReports {
    private let notifier: ServiceNotifier
    /// The nanoseconds between two reports.
    private let interval: Int64
    private var next: Int64 = 0

    /// - Returns: Nil if systemd does not watch the daemon.
    init?(_ notifier: ServiceNotifier?) {
        guard let notifier, let interval = notifier.watchdogInterval else { return nil }
        self.notifier = notifier
        self.interval = Int64(interval / .nanoseconds(1)) / 2
    }

    /// Sends a report if one is due. If it is lost, the next one is in time.
    mutating func turn(at now: Int64) {
        guard now >= next else { return }
        next = now + interval
        try? notifier.send(.alive)
    }
}

extension HotLoop {
    /// Sends a report to systemd, if systemd expects reports.
    func notify(_ notice: ServiceNotifier.Notice) {
        do throws(DaemonError) {
            try notifier?.send(notice)
        } catch {
            logger.warning("\(error)")
        }
    }
}

/// The address of a Unix socket: a path, or an abstract name if it begins with `@`.
private struct UnixSocketAddress: Sendable {
    private var address = sockaddr_un()
    private let length: socklen_t

    /// Creates an address. Returns nil if `path` is too long, or is neither an absolute path nor an abstract name.
    init?(_ path: String) {
        var bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        // The last byte is reserved for the terminating zero.
        guard bytes.count > 1, bytes.count < room, let first = bytes.first else { return nil }
        switch first {
        case UInt8(ascii: "/"): break
        case UInt8(ascii: "@"): bytes[0] = 0
        default: return nil
        }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        length = socklen_t(MemoryLayout<sockaddr_un>.size - room + bytes.count)
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}
