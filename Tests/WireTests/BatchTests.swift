import Testing
import Wire

/// Tests the frames of the codec `batch`.
@Suite struct `Batches as frames` {
    private let ids = ["a", "meter-7", "é"].map { Array($0.utf8) }

    @Test func `a message with ids has the documented bytes and is read entry by entry`() throws {
        let frames = BatchMessage(
            streams: .ids(ids), values: .floats([1, 2, 3, 4, 5, 6]), sequences: [7, 0, 9], flags: [.start, [], .end]
        ).frames
        #expect(frames[0] == [1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(frames[1] == Array("a\0\0\0\0\0\0meter-7é\0\0\0\0\0".utf8))
        #expect(frames[4] == [1, 0, 2])

        let layout = try layout(frames)
        #expect(layout.names == .ids(width: 7))
        #expect(layout.type == .float32 && layout.count == 3 && layout.rowSize == 8)
        #expect((0..<3).map { paddedID($0, frames[1], width: 7) } == ids)
        #expect((0..<3).map { row($0, frames[2], layout) } == [[1, 2], [3, 4], [5, 6]].map { Timesteps.bytes($0) })
        #expect(
            (0..<3).map { entryHeader($0, frames, layout) } == [
                .init(sequence: 7, flags: .start), .init(), .init(sequence: 9, flags: .end),
            ])
    }

    @Test func `a message with numbers names the dictionary by its hash`() throws {
        let dictionary = try StreamDictionary(ids: ids)
        // Python: int.from_bytes(hashlib.sha256("a\0meter-7\0é\0".encode()).digest()[:8], "little")
        #expect(dictionary.hash == 0x49c3ef9750f866b)
        let frames = BatchMessage(
            streams: .numbers([2, 0], dictionary: dictionary.hash), values: .tokens([5, 6])
        ).frames
        #expect(frames.count == 3)
        let numbered = try layout(frames)
        #expect(numbered.names == .numbers(dictionary: dictionary.hash) && numbered.type == .int32)
        #expect((0..<2).map { number($0, frames[1], numbered) } == [2, 0])

        let all = BatchMessage(
            streams: .all(count: 3, dictionary: dictionary.hash), values: .floats([1, 2, 3])
        ).frames
        let inOrder = try layout(all)
        #expect(inOrder.names == .numbersInOrder(dictionary: dictionary.hash))
        #expect((0..<3).map { number($0, all[1], inOrder) } == [0, 1, 2])
    }

    @Test func `a dictionary message is read as the same dictionary`() throws {
        let dictionary = try StreamDictionary(ids: ids)
        let header = try batchHeader(dictionary.frames[0])
        #expect(header == BatchHeader(.dictionary, count: 3, dictionary: dictionary.hash))
        let column = dictionary.frames[1]
        #expect(try streamDictionary(header, column) == dictionary)
        var other = header
        other.dictionary ^= 1
        #expect(throws: DropCause.dictionary) { try streamDictionary(other, column) }
        #expect(throws: DropCause.batch) { try streamDictionary(header, Array(column.dropFirst())) }
    }

    @Test(arguments: [["a", "a"], [""], ["!a"], ["a\u{7}"], [], [String(repeating: "a", count: 256)]])
    func `a dictionary with an invalid or repeated id is refused`(ids: [String]) {
        #expect(throws: DropCause.dictionary) { try StreamDictionary(ids: ids.map { Array($0.utf8) }) }
    }

    @Test func `the hash of a dictionary depends on the order and on where an id ends`() throws {
        let hashes = try [["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"]].map {
            try StreamDictionary(ids: $0.map { Array($0.utf8) }).hash
        }
        #expect(Set(hashes).count == 4)
    }

    @Test func `an id with a zero byte inside is not valid, and an id of only zero bytes is empty`() {
        let column: [UInt8] = [97, 0, 98, 0, 0, 0]
        #expect(paddedID(0, column, width: 3) == [97, 0, 98])
        #expect(!StreamID.isValid("a\0b"))
        #expect(paddedID(1, column, width: 3).isEmpty)
    }

    @Test(arguments: 0..<16, [UInt8](1...255))
    func `a changed header byte is refused or gives another header`(place: Int, change: UInt8) throws {
        let written = BatchHeader(.numbers, type: .int32, count: 1, dictionary: 5)
        var bytes = written.bytes
        bytes[place] ^= change
        let read = Result { try batchHeader(bytes) }
        switch read {
        case .success(let header): #expect(header != written && header.bytes == bytes)
        case .failure(let error): #expect(error as? DropCause == .batch)
        }
    }

    @Test(arguments: 0..<5, [-1, 1, 3])
    func `a column of another length is refused`(frame: Int, change: Int) {
        var frames = BatchMessage(
            streams: .ids(ids), values: .floats([1, 2, 3]), sequences: [1, 2, 3], flags: [.start, [], []]
        ).frames
        // Three more bytes make a valid column: each of the three ids is one byte wider.
        guard change != 3 || frame != 1 else { return }
        if change < 0 { frames[frame].removeLast() } else { frames[frame] += Array(repeating: 0, count: change) }
        #expect(throws: DropCause.batch) { try layout(frames) }
    }

    @Test func `a batch with an unknown flag, without values or without entries is refused`() {
        var frames = BatchMessage(streams: .ids(ids), values: .floats([1, 2, 3]), flags: [[], [], .end]).frames
        frames[4][2] = 4
        #expect(throws: DropCause.batch) { try layout(frames) }
        #expect(throws: DropCause.batch) { try layout([frames[0], frames[1], []]) }
        #expect(throws: DropCause.batch) {
            try layout([BatchHeader(.ids, count: 0).bytes, frames[1], frames[2]])
        }
    }
}
