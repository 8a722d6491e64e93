import Store
import Streams
import Testing

@Suite struct `Streams and pages in the store` {
    private let store: StateStore

    init() throws {
        store = try StateStore(folder: nil)
    }

    @Test func `streams are found by their keys`() throws {
        try store.write(slice([image("a"), image("b", sequence: 9), image("c")], from: 4))
        #expect(try store.streams([5, 9]).images == [image("b", sequence: 9)])
        #expect(try store.streams([]).isEmpty)
    }

    @Test(arguments: [1, 2, 63, 64, 65, 1000])
    func `pages of a snapshot follow one another in the order of the ids' bytes`(limit: Int) throws {
        let images = (0..<150).map { image("s\($0)", sequence: UInt64($0)) }.shuffled()
        try store.add(Array(images[..<100]), toSnapshot: "n", time: 5)
        try store.add(Array(images[100...]), toSnapshot: "n", time: 6)
        var found: [StreamImage] = []
        var after: String?
        repeat {
            let page = try store.page(ofSnapshot: "n", after: after, limit: limit)
            #expect(page.slice.entries.count <= limit)
            found += page.slice.images
            after = page.next
        } while after != nil
        #expect(found == images.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) })
        let status = try #require(try store.snapshots().first)
        #expect(status.streams == 150 && status.bytes == 150 * 8 && status.time == 5)
    }

    @Test func `a stream that a snapshot already has is refused with its whole batch`() throws {
        try store.add([image("a")], toSnapshot: "n", time: 1)
        #expect(throws: StoreError.self) { try store.add([image("b"), image("a")], toSnapshot: "n", time: 1) }
        #expect(try store.page(ofSnapshot: "n", after: nil, limit: 9).slice.images == [image("a")])
        #expect(throws: StoreError.self) { try store.page(ofSnapshot: "m", after: nil, limit: 9) }
    }
}
