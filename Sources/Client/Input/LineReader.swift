/// The lines of a file, each available as soon as its end is read. The last line may lack an end.
package struct LineReader {
    /// The number of the last line read, from 1.
    package private(set) var lineNumber = 0
    /// Bytes of the lines read so far, including their ends.
    package private(set) var byteCount = 0

    private let file: InputFile
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
        chunk = [UInt8](repeating: 0, count: chunkSize)
    }

    /// Reads the next line.
    ///
    /// - Parameter line: The line is appended without its line feed. A carriage return before the line feed stays.
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
            start = 0
            end = atEnd ? 0 : try file.read(into: &chunk)
            if end == 0 {
                atEnd = true
                guard isPartial, !file.isInterrupted else { return false }
                lineNumber += 1
                return true
            }
        }
    }

    /// Whether an interruption ended the input.
    package var isInterrupted: Bool { file.isInterrupted }

    /// Whether the file is damaged, so that no further line can be read.
    var isDamaged: Bool { file.isDamaged }

    /// Whether reading the next line would block.
    package var wouldWait: Bool {
        !atEnd && !chunk[start..<end].contains(UInt8(ascii: "\n")) && !file.isReadable
    }
}
