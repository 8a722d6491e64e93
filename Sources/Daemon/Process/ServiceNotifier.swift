import Foundation

/// Tells systemd how the daemon is, as sd_notify(3) describes: a datagram to the Unix socket that the environment names.
struct ServiceNotifier: Sendable {
    /// What systemd is told.
    enum Notice: Equatable, Sendable {
        /// The daemon serves; the text is what `systemctl status` shows.
        case ready(status: String)
        /// The daemon has begun to stop.
        case stopping
        /// The hot loop has come round once more.
        case alive

        fileprivate var lines: String {
            switch self {
            case .ready(let status): "READY=1\nSTATUS=\(status)"
            case .stopping: "STOPPING=1"
            case .alive: "WATCHDOG=1"
            }
        }
    }

    /// How long systemd waits for a sign of life before it starts the daemon anew; nil where it does not.
    let watchdogInterval: Duration?
    private let address: UnixSocketAddress

    /// Reads the variables that systemd sets: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. Nil where nobody wants
    /// to be told.
    ///
    /// - Parameters:
    ///   - environment: The process' environment.
    ///   - processIdentifier: The process that speaks.
    /// - Throws: ``DaemonError`` with `configuration` where the socket cannot be one.
    init?(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        processIdentifier: Int32 = ProcessInfo.processInfo.processIdentifier
    ) throws(DaemonError) {
        guard let path = environment["NOTIFY_SOCKET"] else { return nil }
        guard let address = UnixSocketAddress(path) else {
            throw DaemonError(
                .configuration,
                "NOTIFY_SOCKET is '\(path)', not a path that begins with / or @ and has at most 107 bytes")
        }
        self.address = address
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(processIdentifier)" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init) ?? 0
        watchdogInterval = isMeant && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// Tells systemd something. Does not wait: where systemd has no room for it, it is not told.
    ///
    /// - Parameter notice: What it is told.
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
        return DaemonError(.software, "systemd cannot be told \(notice.lines.split(separator: "\n")[0]): \(reason)")
    }

    /// Has the hot loop say twice in each ``watchdogInterval`` that it is alive. One that hangs reads no letters and says
    /// nothing. Until the process ends; returns at once where systemd does not want it.
    ///
    /// - Parameter mailbox: The hot loop's.
    func keepWatch(over mailbox: Mailbox) {
        guard let watchdogInterval else { return }
        while true {
            Thread.sleep(forTimeInterval: watchdogInterval / .seconds(2))
            mailbox.post { $0.notify(.alive) }
        }
    }
}

extension HotLoop {
    /// Tells systemd how the daemon is, where it wants to be told.
    func notify(_ notice: ServiceNotifier.Notice) {
        do throws(DaemonError) {
            try notifier?.send(notice)
        } catch {
            logger.warning("\(error)")
        }
    }
}

/// The address of a Unix socket: a path, or with `@` in front a name that is in no folder.
private struct UnixSocketAddress: Sendable {
    private var address = sockaddr_un()
    private let length: socklen_t

    /// Nil for what is no such path.
    init?(_ path: String) {
        var bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        // One byte is left for the zero that ends a path.
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
