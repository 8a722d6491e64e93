/// The host in a request's `Host` header.
///
/// A web page can point its own host name at any address and then read the answers (DNS rebinding). Requests from such
/// a page still carry the page's host name. Therefore, a server answers only for addresses, `localhost` and
/// configured names.
package struct HTTPHost: Equatable, Sendable {
    /// The name or address in lower case, without port and brackets.
    package let name: String
    /// Whether the name is a numeric address.
    let isAddress: Bool

    /// Reads `HOST`, `HOST:PORT`, `[ADDRESS]` or `[ADDRESS]:PORT`. Returns nil if `text` has none of these forms.
    package init?(_ text: some StringProtocol) {
        let host: String
        let rest: String
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = String(text[text.index(after: text.startIndex)..<end])
            rest = String(text[text.index(after: end)...])
            guard host.contains(":"), IPAddress(host) != nil else { return nil }
            isAddress = true
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            let name = text[..<end].lowercased()
            // A fully qualified name may end with the dot of the DNS root.
            host = name.hasSuffix(".") ? String(name.dropLast()) : name
            rest = String(text[end...])
            guard Self.isName(host) else { return nil }
            isAddress = IPAddress(host) != nil
        }
        guard rest.isEmpty || (rest.hasPrefix(":") && rest.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) })
        else { return nil }
        name = host
    }

    /// Returns whether a server answers for this host.
    ///
    /// - Parameter hosts: The configured host names, in upper or lower case.
    /// - Returns: True for addresses, `localhost` and the names in `hosts`.
    func isAccepted(besides hosts: [String]) -> Bool {
        isAddress || name == "localhost" || hosts.contains { $0.lowercased() == name }
    }

    private static func isName(_ text: String) -> Bool {
        let isOfLabels = text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
        return isOfLabels && text.utf8.count <= 253
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
                default: false
                }
            }
    }
}
