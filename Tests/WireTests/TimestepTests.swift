import Testing
import Wire

/// Tests the second and third frames of a timestep message.
@Suite struct `Timesteps as frames` {
    @Test func `a header's 16 bytes are sequence, flags and zeros, lowest byte first`() throws {
        let written = TimestepHeader(sequence: 0x0102_0304_0506_0708, flags: [.start, .end])
        let bytes: [UInt8] = [8, 7, 6, 5, 4, 3, 2, 1, 3, 0, 0, 0, 0, 0, 0, 0]
        #expect(written.bytes == bytes)
        #expect(try header(bytes) == written)
        #expect(TimestepHeader().bytes == Array(repeating: 0, count: 16))
    }

    @Test(
        arguments: [0, 1, 1 << 32, .max] as [UInt64], [[], .start, .end, [.start, .end]] as [TimestepHeader.Flags])
    func `a written header is read as the same header`(sequence: UInt64, flags: TimestepHeader.Flags) throws {
        let written = TimestepHeader(sequence: sequence, flags: flags)
        #expect(try header(written.bytes) == written)
    }

    @Test(arguments: [0, 1, 8, 12, 15, 17, 32])
    func `a header with a wrong length is refused`(count: Int) {
        let bytes = [UInt8](repeating: 0, count: count)
        #expect(throws: DropCause.header) { try header(bytes) }
    }

    @Test(arguments: 12..<16)
    func `a header that uses reserved bytes is refused`(offset: Int) {
        var bytes = TimestepHeader(sequence: 1).bytes
        bytes[offset] = 1
        #expect(throws: DropCause.header) { try header(bytes) }
    }

    @Test(arguments: 2..<32)
    func `an unknown flag is refused`(bit: Int) {
        let written = TimestepHeader(sequence: 1, flags: [.start, .init(rawValue: 1 << UInt32(bit))])
        #expect(throws: DropCause.flags) { try header(written.bytes) }
    }

    @Test(arguments: [(1, 1), (1, 5), (3, 1), (3, 2), (128, 4)])
    func `written timesteps are read as the same timesteps`(features: Int, count: Int) throws {
        let written = (0..<(features * count)).map { Float($0) * 0.37 - 2 }
        let read = try timesteps(Timesteps.bytes(written), features: features)
        #expect(read.count == count)
        #expect(read.flatMap { $0 } == written)
    }

    @Test func `floats are little-endian, including the largest, the smallest and minus zero`() throws {
        let bytes: [UInt8] = [
            0x00, 0x00, 0x80, 0x3F, 0xFF, 0xFF, 0x7F, 0xFF, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80,
        ]
        let read = try timesteps(bytes, features: 2)
        #expect(read.count == 2)
        let expected: [Float] = [1, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0]
        #expect(read.flatMap { $0 }.map(\.bitPattern) == expected.map(\.bitPattern))
        #expect(Timesteps.bytes(expected) == bytes)
    }

    @Test(arguments: [(0, 1), (1, 1), (3, 1), (5, 1), (0, 3), (4, 3), (8, 3), (13, 3), (16, 3)])
    func `a frame that is not a whole number of timesteps is refused`(length: Int, features: Int) {
        let bytes = [UInt8](repeating: 0, count: length)
        #expect(throws: DropCause.length) { try timesteps(bytes, features: features) }
    }

    @Test(arguments: [.nan, .signalingNaN, .infinity, -.infinity] as [Float], 0..<6)
    func `a NaN or an infinity is refused at any position`(value: Float, place: Int) {
        var sent: [Float] = [1, 2, 3, 4, 5, 6]
        sent[place] = value
        let bytes = Timesteps.bytes(sent)
        #expect(throws: DropCause.nonFinite) { try timesteps(bytes, features: 3) }
    }

    @Test func `drop causes have the names that the status shows`() {
        #expect(
            DropCause.allCases.map(\.rawValue) == [
                "frames", "id", "length", "header", "flags", "too_large", "json", "text", "batch", "dictionary",
                "sequence", "non_finite", "token", "unrouted", "too_long", "too_short", "too_many_streams", "paused",
            ])
        #expect(DropCause.allCases.allSatisfy { !$0.explanation.isEmpty && !$0.explanation.contains("\n") })
    }
}
