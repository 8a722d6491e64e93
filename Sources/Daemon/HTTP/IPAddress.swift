import Glibc

/// An IPv4 or IPv6 address, in the bytes of the network.
struct IPAddress: Equatable, Sendable {
    /// 4 or 16 bytes.
    let bytes: [UInt8]

    /// Reads an address in numbers, as `192.0.2.1` or `2001:db8::1`; nil if `text` is none.
    init?(_ text: some StringProtocol) {
        // The C library reads up to the first zero.
        guard !text.utf8.contains(0) else { return nil }
        let isVersion6 = text.contains(":")
        var bytes = [UInt8](repeating: 0, count: isVersion6 ? 16 : 4)
        guard unsafe inet_pton(isVersion6 ? AF_INET6 : AF_INET, String(text), &bytes) == 1 else { return nil }
        self.bytes = bytes
    }

    /// Whether the address is one of this machine's own: `127.0.0.0/8`, `::1`, or the former written as IPv6.
    var isLoopback: Bool {
        if bytes.count == 4 { return bytes[0] == 127 }
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 127]
        return bytes == [UInt8](repeating: 0, count: 15) + [1] || bytes.starts(with: mapped)
    }
}
