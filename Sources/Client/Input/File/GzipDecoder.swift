import CZlib

/// Decompresses gzip data piece by piece with zlib (<https://zlib.net/manual.html>). As with `gzip -d`, the contents of
/// consecutive members are joined, and zeros after a member are padding.
@safe final class GzipDecoder {
    /// The first bytes of gzip data.
    static let magic: [UInt8] = [0x1F, 0x8B]
    /// The flag for `inflateInit2` that selects the gzip format with the largest window.
    private static let windowBits = 16 + MAX_WBITS

    private let name: String
    /// zlib's stream. It must not move, because zlib keeps its address.
    private let stream: UnsafeMutablePointer<z_stream>
    private var input: [UInt8]
    /// The bytes of `input` that zlib has not consumed yet.
    private var rest: Range<Int>
    /// Whether the last member has ended and no other member has begun.
    private var isBetweenMembers = false
    /// Whether the last piece filled the output. If it did, zlib may have more output without further input.
    private var wasFull = false
    /// Whether the data is damaged. Nothing after the damage can be read.
    private(set) var isDamaged = false

    /// Creates a decoder.
    ///
    /// - Parameters:
    ///   - first: The first bytes of the data.
    ///   - name: The name of the file in messages.
    init(first: [UInt8], name: String) {
        self.name = name
        input = first
        rest = first.indices
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe inflateInit2_(
            stream, Self.windowBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib has no memory or is another version")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Whether more bytes may be decompressed without further input.
    var hasMore: Bool { wasFull || !rest.isEmpty }

    /// Decompresses the next piece into `bytes`, as far as the available input allows.
    ///
    /// - Returns: The number of bytes; 0 if more input is needed.
    /// - Throws: ``ClientError`` with the status `data` if the data is damaged. Earlier calls have returned the bytes
    ///   before the damage.
    func decompress(into bytes: inout [UInt8]) throws(ClientError) -> Int {
        while hasMore {
            if isBetweenMembers, try !beginMember() { return 0 }
            let (status, count) = inflatePiece(into: &bytes)
            wasFull = count == bytes.count
            switch status {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END:
                isBetweenMembers = true
                wasFull = false
            default:
                // Return the bytes before the damage first. The next call throws the error.
                guard count == 0 else {
                    wasFull = true
                    return count
                }
                throw damage(unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "error \(status)")
            }
            if count > 0 { return count }
        }
        return 0
    }

    /// Reads more input. All previous input must have been consumed.
    ///
    /// - Parameter read: Reads available bytes and returns the number of bytes read.
    /// - Returns: Whether there was more input.
    /// - Throws: The error that `read` throws.
    func refill(with read: (inout [UInt8]) throws(ClientError) -> Int) throws(ClientError) -> Bool {
        if input.count < 1 << 16 { input = [UInt8](repeating: 0, count: 1 << 16) }
        rest = 0..<(try read(&input))
        return !rest.isEmpty
    }

    /// Checks that the input does not end within a member.
    func end() throws(ClientError) {
        guard isBetweenMembers else { throw damage("it ends too early, so that a part of it is missing") }
    }

    /// Skips padding, and prepares for the next member.
    ///
    /// - Returns: Whether a member begins in the input.
    private func beginMember() throws(ClientError) -> Bool {
        rest = (input[rest].firstIndex { $0 != 0 } ?? rest.upperBound)..<rest.upperBound
        guard !rest.isEmpty else { return false }
        guard input[rest.lowerBound] == Self.magic[0] else { throw damage("other data follows it") }
        isBetweenMembers = false
        unsafe inflateReset(stream)
        return true
    }

    private func inflatePiece(into bytes: inout [UInt8]) -> (status: CInt, count: Int) {
        let size = bytes.count
        return unsafe input.withUnsafeMutableBufferPointer { input in
            unsafe bytes.withUnsafeMutableBufferPointer { output in
                unsafe stream.pointee.next_in = input.baseAddress.map { unsafe $0 + rest.lowerBound }
                unsafe stream.pointee.avail_in = uInt(rest.count)
                unsafe stream.pointee.next_out = output.baseAddress
                unsafe stream.pointee.avail_out = uInt(size)
                let status = unsafe inflate(stream, Z_NO_FLUSH)
                rest = (rest.upperBound - Int(unsafe stream.pointee.avail_in))..<rest.upperBound
                return (status, size - Int(unsafe stream.pointee.avail_out))
            }
        }
    }

    private func damage(_ problem: String) -> ClientError {
        isDamaged = true
        return ClientError(
            .data, "\(name): the gzip data is damaged: \(problem); test it with gzip -t, and copy it again")
    }
}
