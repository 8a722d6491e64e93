package import NIOCore
package import NIOHTTP1

/// A complete request.
package struct HTTPRequest: Sendable {
    /// The line and the headers.
    package let head: HTTPRequestHead
    /// The body; empty if the request has none.
    package let body: ByteBuffer
    /// The address and port of the client; nil if unknown.
    package let address: String?

    init(_ head: HTTPRequestHead, body: ByteBuffer, from address: SocketAddress?) {
        self.head = head
        self.body = body
        self.address = address.flatMap { address in
            address.ipAddress.map { "\($0.contains(":") ? "[\($0)]" : $0):\(address.port ?? 0)" }
        }
    }

    /// The path of the request's target, without the query.
    var path: Substring { Self.split(head.uri).path }

    /// Returns the value of a query parameter, without decoding percent escapes.
    ///
    /// - Parameter name: The name of the parameter.
    /// - Returns: The first value; nil if the query has no parameter of that name.
    package func parameter(_ name: String) -> Substring? {
        Self.split(head.uri).query.split(separator: "&").lazy
            .map { $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false) }
            .first { $0[0] == name }.map { $0.count > 1 ? $0[1] : "" }
    }

    /// Whether the request comes from a page of this server, or from no page at all.
    ///
    /// Browsers send `Sec-Fetch-Site` with every request, and `Origin` with each request that could change something.
    /// Neither can be forged by a page. Other clients need not send them.
    var isSameOrigin: Bool {
        let sites = head.headers["sec-fetch-site"]
        guard sites.allSatisfy({ ["same-origin", "none"].contains($0) }) else { return false }
        let hosts = head.headers["host"]
        return head.headers["origin"].allSatisfy { origin in
            ["http://", "https://"].contains { scheme in
                hosts.contains { origin.lowercased() == scheme + $0.lowercased() }
            }
        }
    }

    /// Splits a target such as `/path?query` or `http://host/path?query`.
    static func split(_ target: String) -> (path: Substring, query: Substring) {
        var rest = target[...]
        if rest.hasPrefix("http://") {
            rest = rest.dropFirst("http://".count)
            rest = rest.firstIndex(of: "/").map { rest[$0...] } ?? "/"
        }
        let path = rest.prefix { $0 != "?" }
        return (path, rest[path.endIndex...].dropFirst())
    }
}
