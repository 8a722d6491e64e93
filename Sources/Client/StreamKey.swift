/// A stream's id as a key, told apart by its bytes: as Swift strings, two spellings of one character are the same.
struct StreamKey: Hashable, Comparable {
    let id: String

    init(_ id: String) { self.id = id }

    static func == (a: StreamKey, b: StreamKey) -> Bool { a.id.utf8.elementsEqual(b.id.utf8) }
    static func < (a: StreamKey, b: StreamKey) -> Bool { a.id.utf8.lexicographicallyPrecedes(b.id.utf8) }

    func hash(into hasher: inout Hasher) {
        for byte in id.utf8 { hasher.combine(byte) }
    }
}
