/// Reads a file by lines or by bytes. Each line or byte is returned as soon as it has arrived.
package struct InputReader {
    /// The number of lines read so far. If the file is read by bytes, the number of line feeds read so far.
    package private(set) var lineNumber = 0
    /// The number of bytes read so far, including line ends.
    package private(set) var byteCount = 0

    /// The bytes that some programs write before UTF-8 text.
    static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private let file: InputFile
    private let chunkSize: Int
    private var chunk: [UInt8]
    /// The bytes that were read but not returned yet: `chunk[start..<end]`.
    private var start = 0
    private var end = 0
    private var atEnd = false

    /// Creates a reader at the file's current offset.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - chunkSize: The number of bytes per read.
    package init(_ file: InputFile, chunkSize: Int = 1 << 16) {
        self.file = file
        self.chunkSize = chunkSize
        chunk = [UInt8](repeating: 0, count: chunkSize)
    }

    /// Reads the next line. The last line need not end with a line feed.
    ///
    /// - Parameter line: The buffer to which the line is appended, without its line feed. A carriage return before the
    ///   line feed stays.
    /// - Returns: Whether there was a line.
    /// - Throws: ``ClientError`` if reading fails.
    package mutating func next(into line: inout [UInt8]) throws(ClientError) -> Bool {
        var isPartial = false
        while true {
            if let lineEnd = chunk[start..<end].firstIndex(of: UInt8(ascii: "\n")) {
                line.append(contentsOf: chunk[start..<lineEnd])
                byteCount += lineEnd + 1 - start
                start = lineEnd + 1
                lineNumber += 1
                return true
            }
            line.append(contentsOf: chunk[start..<end])
            byteCount += end - start
            isPartial = isPartial || start < end
            guard try refill() else {
                guard isPartial, !file.isInterrupted else { return false }
                lineNumber += 1
                return true
            }
        }
    }

    /// Reads a given number of bytes, or fewer at the end of the file.
    ///
    /// - Parameters:
    ///   - count: The number of bytes.
    ///   - bytes: The buffer to which the bytes are appended.
    /// - Throws: ``ClientError`` if reading fails.
    mutating func next(_ count: Int, into bytes: inout [UInt8]) throws(ClientError) {
        var missing = count
        while missing > 0 {
            if start == end { guard try refill() else { return } }
            let piece = chunk[start..<end].prefix(missing)
            bytes.append(contentsOf: piece)
            start += piece.count
            byteCount += piece.count
            missing -= piece.count
        }
    }

    /// Reads one byte.
    ///
    /// - Returns: The byte; nil at the end of the file.
    /// - Throws: ``ClientError`` if reading fails.
    mutating func nextByte() throws(ClientError) -> UInt8? {
        if start == end { guard try refill() else { return nil } }
        let byte = chunk[start]
        start += 1
        byteCount += 1
        if byte == UInt8(ascii: "\n") { lineNumber += 1 }
        return byte
    }

    /// Returns the next bytes without consuming them.
    ///
    /// - Parameter count: The number of bytes, at most the size of a chunk.
    /// - Returns: At least `count` bytes, or fewer at the end of the file.
    /// - Throws: ``ClientError`` if reading fails.
    mutating func peek(_ count: Int) throws(ClientError) -> ArraySlice<UInt8> {
        while end - start < count, !atEnd {
            var more = [UInt8](repeating: 0, count: chunkSize)
            let added = try file.read(into: &more)
            atEnd = added == 0
            chunk = Array(chunk[start..<end]) + more[..<added]
            (start, end) = (0, chunk.count)
            chunk += repeatElement(0, count: max(0, chunkSize - end))
        }
        return chunk[start..<end]
    }

    /// Reads the next chunk. All bytes of the previous chunk must have been returned.
    ///
    /// - Returns: Whether there were more bytes.
    private mutating func refill() throws(ClientError) -> Bool {
        // Empty the chunk first, so that it contains no old bytes if reading fails.
        (start, end) = (0, 0)
        if !atEnd { end = try file.read(into: &chunk) }
        atEnd = end == 0
        return !atEnd
    }

    /// The name of the file in messages.
    var name: String { file.name }

    /// The position of the last line, such as `data.csv:17`.
    var place: String { "\(name):\(lineNumber)" }

    /// Whether an interruption ended the input.
    package var isInterrupted: Bool { file.isInterrupted }

    /// Whether the file is damaged. If it is, no more lines can be read.
    var isDamaged: Bool { file.isDamaged }

    /// Whether reading the next line would block.
    package var wouldWait: Bool { wouldWait(for: { $0 == UInt8(ascii: "\n") }) }

    /// Returns whether reading up to the next byte that satisfies `isSuch` might block.
    func wouldWait(for isSuch: (UInt8) -> Bool) -> Bool {
        !atEnd && !chunk[start..<end].contains(where: isSuch) && !file.isReadable
    }

    /// Returns whether reading `count` bytes might block.
    func wouldWait(forBytes count: Int) -> Bool {
        !atEnd && end - start < count && !file.isReadable
    }
}

extension UInt8 {
    /// Whether the byte is a blank or ends a line.
    var isWhiteSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}
