/// A stream's id as a key: equal only where the bytes are, as for the daemon. Swift's `String` takes two spellings of one
/// character, such as "é" alone or as "e" with an accent, for the same text.
struct StreamKey: Hashable, Comparable, ExpressibleByStringLiteral {
    let id: String

    init(_ id: String) {
        self.id = id
    }

    init(stringLiteral id: String) {
        self.id = id
    }

    static func == (a: StreamKey, b: StreamKey) -> Bool {
        a.id.utf8.elementsEqual(b.id.utf8)
    }

    static func < (a: StreamKey, b: StreamKey) -> Bool {
        a.id.utf8.lexicographicallyPrecedes(b.id.utf8)
    }

    func hash(into hasher: inout Hasher) {
        for byte in id.utf8 { hasher.combine(byte) }
    }
}
