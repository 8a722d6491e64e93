/// A stream's id as a key. As in the daemon, keys are equal only if their bytes are. Swift's `String` treats two
/// spellings of one character as equal, such as "é" alone and "e" with an accent.
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
