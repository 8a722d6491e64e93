#if Cluster
/// A server's URL.
struct ServerURL: Equatable {
    /// The URL for libnats, with the login.
    let text: String
    /// The host, which may be an IPv6 address in brackets.
    let host: String
    /// The port.
    let port: UInt16
    /// Whether the URL asks for TLS.
    let isTLS: Bool
    /// The user; nil if the URL names none.
    let user: String?

    /// Reads a URL.
    ///
    /// - Throws: ``NATSError`` if the text is not the URL of a server.
    init(_ text: String) throws(NATSError) {
        var rest = text[...]
        var scheme = "nats"
        if let mark = rest.firstRange(of: "://") {
            scheme = rest[..<mark.lowerBound].lowercased()
            rest = rest[mark.upperBound...]
        }
        let login = rest.lastIndex(of: "@").map { rest[..<$0] }
        if let login { rest = rest[rest.index(after: login.endIndex)...] }
        if rest.last == "/" { rest = rest.dropLast() }
        user = login.map { String($0.prefix { $0 != ":" }) }
        let shown = "\(scheme)://\(user.map { "\($0)@" } ?? "")\(rest)".printable

        func failure(_ problem: String) -> NATSError {
            NATSError(.badOption, operation: "connect to", context: "'\(shown)'", problem: problem)
        }
        guard scheme == "nats" || scheme == "tls" else {
            throw failure("a server's URL begins with nats:// or tls://")
        }
        let end = rest.last == "]" ? nil : rest.lastIndex(of: ":")
        let host = end.map { rest[..<$0] } ?? rest
        let isAddress = host.first == "[" && host.last == "]"
        let allowed: (Character) -> Bool = { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }
        guard isAddress || !host.isEmpty && host.allSatisfy(allowed) else {
            throw failure(
                "a server's URL is nats://HOST:PORT, with USER:PASSWORD@ before HOST if the server asks for it")
        }
        let digits = end.map { rest[rest.index(after: $0)...] } ?? "4222"
        guard let port = UInt16(digits), port > 0 else { throw failure("a port is a number from 1 to 65535") }
        self.host = String(host)
        self.port = port
        isTLS = scheme == "tls"
        self.text = "\(scheme)://\(login.map { "\($0)@" } ?? "")\(host):\(port)"
    }

    /// The URL without the password.
    var shown: String { "\(isTLS ? "tls" : "nats")://\(user.map { "\($0)@" } ?? "")\(host):\(port)" }
}
#endif
