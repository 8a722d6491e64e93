/// The rules for names of nodes: 1 to 63 letters, digits, `-`, `_` and `.`, as in host names. A name is part of a key in
/// NATS' KV store, where a dot separates tokens, so a name neither begins nor ends with a dot and has no two in a row.
package enum NodeName {
    /// The longest name, in bytes.
    package static let maximumLength = 63
    private static let prefix = "n."

    /// Whether the text is a valid name.
    package static func isValid(_ text: String) -> Bool {
        (1...maximumLength).contains(text.utf8.count)
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty && part.unicodeScalars.allSatisfy(isAllowed)
            }
    }

    /// Returns the key of a node's heartbeat.
    package static func key(of node: String) -> String { prefix + node }

    /// Returns the node whose heartbeat has the key; nil if the key belongs to no heartbeat.
    package static func node(ofKey key: String) -> String? {
        guard key.hasPrefix(prefix) else { return nil }
        let node = String(key.dropFirst(prefix.count))
        return isValid(node) ? node : nil
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
        default: false
        }
    }
}
