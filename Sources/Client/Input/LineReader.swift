/// Lines of a file as they come: each as soon as its end was read, and the last even without one.
public struct LineReader {
    /// The number of the line read last, from 1.
    public private(set) var lineNumber = 0
    /// Bytes of the lines read so far, their ends included.
    public private(set) var byteCount = 0

    private let file: InputFile
    private var chunk: [UInt8]
    /// Bytes that were read and not given yet: `chunk[start..<end]`.
    private var start = 0
    private var end = 0
    private var atEnd = false

    /// Begins at the file's present place.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - chunkSize: Bytes to ask for at a time.
    public init(_ file: InputFile, chunkSize: Int = 1 << 16) {
        self.file = file
        chunk = [UInt8](repeating: 0, count: chunkSize)
    }

    /// Reads the next line.
    ///
    /// - Parameter line: The line is appended, without its line feed; a carriage return before that stays.
    /// - Returns: Whether there was one.
    /// - Throws: ``ClientError`` where reading failed.
    public mutating func next(into line: inout [UInt8]) throws(ClientError) -> Bool {
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
                if isPartial { lineNumber += 1 }
                return isPartial
            }
        }
    }

    /// Whether the next line would have to be waited for.
    public var wouldWait: Bool {
        !atEnd && !chunk[start..<end].contains(UInt8(ascii: "\n")) && !file.isReadable
    }
}
