/// A stream's id as a dictionary key. As in the daemon, two keys are equal only if their bytes are equal. Swift's
/// `String`, in contrast, treats different encodings of a character as equal, such as "é" as one scalar and as "e" with
/// a combining accent.
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
