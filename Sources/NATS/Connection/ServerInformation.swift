#if Cluster
import Glibc
import Wire

/// The information that a server sends to each new connection, before a login. libnats 3.4.1 does not pass it on.
public struct ServerInformation: Equatable, Sendable {
    /// The server's name.
    public let name: String
    /// The version, such as 2.15.1.
    public let version: String
    /// Whether the server has JetStream.
    public let hasJetStream: Bool
    /// The largest payload, in bytes.
    public let maximumPayload: Int

    /// Reads the first line that a server sends.
    ///
    /// - Returns: Nil if the line is not a server's.
    package init?(line: [UInt8]) {
        guard line.starts(with: Array("INFO ".utf8)),
            let json = try? JSONValue.read(line.span.extracting(droppingFirst: 5), depth: 8, values: 10_000),
            case .object(let members) = json,
            case .string(let version)? = members["version"], case .string(let name)? = members["server_name"]
        else { return nil }
        self.version = version
        self.name = name
        hasJetStream = members["jetstream"] == .bool(true)
        guard case .integer(let maximum)? = members["max_payload"] else { return nil }
        maximumPayload = Int(maximum)
    }

    /// Connects to a server, and reads its first line.
    ///
    /// - Throws: ``NATSError`` if the server does not send one within 2 s.
    init(of url: ServerURL) throws(NATSError) {
        guard let line = Self.firstLine(of: url), let information = ServerInformation(line: line) else {
            throw NATSError(
                .badAnswer, operation: "ask for the version of", context: url.shown,
                problem: "no NATS server introduces itself there")
        }
        self = information
    }

    /// The version's parts, for comparison; a part that is not a number counts as 0.
    public var versionNumbers: [Int] {
        let core = version.prefix { $0 != "-" }
        return core.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    }

    /// Returns whether the version is at least another one, such as `[2, 12]`.
    public func isAtLeast(_ numbers: [Int]) -> Bool { !versionNumbers.lexicographicallyPrecedes(numbers) }

    private static func firstLine(of url: ServerURL) -> [UInt8]? {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let host = url.host.hasPrefix("[") ? String(url.host.dropFirst().dropLast()) : url.host
        guard unsafe getaddrinfo(host, "\(url.port)", &hints, &list) == 0 else { return nil }
        defer { unsafe freeaddrinfo(list) }
        var next = unsafe list
        while let address = unsafe next {
            if let line = unsafe firstLine(at: address.pointee) { return line }
            unsafe next = address.pointee.ai_next
        }
        return nil
    }

    private static func firstLine(at address: addrinfo) -> [UInt8]? {
        let descriptor = unsafe socket(address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // Linux uses the send timeout for connecting, too.
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        guard unsafe connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 else { return nil }
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 15)
        // A server's line is much shorter; another kind of server might send for ever.
        while line.count < 1 << 17 {
            let count = unsafe recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            line += chunk[..<count]
            if let end = line.firstIndex(of: UInt8(ascii: "\n")) { return Array(line[..<end]) }
        }
        return nil
    }
}
#endif
