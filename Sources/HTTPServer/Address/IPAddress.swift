import Glibc

/// An IPv4 or IPv6 address in network byte order.
package struct IPAddress: Equatable, Sendable {
    /// The address: 4 bytes for IPv4, 16 for IPv6.
    let bytes: [UInt8]

    /// Reads a numeric address such as `192.0.2.1` or `2001:db8::1`. Returns nil if `text` is not a numeric address.
    package init?(_ text: some StringProtocol) {
        // `inet_pton` would stop at the first zero byte and ignore the rest of the text.
        guard !text.utf8.contains(0) else { return nil }
        let isVersion6 = text.contains(":")
        var bytes = [UInt8](repeating: 0, count: isVersion6 ? 16 : 4)
        guard unsafe inet_pton(isVersion6 ? AF_INET6 : AF_INET, String(text), &bytes) == 1 else { return nil }
        self.bytes = bytes
    }

    /// Whether the address is a loopback address: `127.0.0.0/8`, `::1`, or `127.0.0.0/8` mapped to IPv6.
    package var isLoopback: Bool {
        if bytes.count == 4 { return bytes[0] == 127 }
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 127]
        return bytes == [UInt8](repeating: 0, count: 15) + [1] || bytes.starts(with: mapped)
    }
}
