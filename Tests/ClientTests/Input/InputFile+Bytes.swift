import Foundation

@testable import Client

extension InputFile {
    /// Opens the read end of a pipe that contains only these bytes. A pipe holds at most 64 KB.
    convenience init(bytes: some Sequence<UInt8>, name: String = "file") throws {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data(bytes))
        try pipe.fileHandleForWriting.close()
        self.init(descriptor: dup(pipe.fileHandleForReading.fileDescriptor), name: name)
    }

    /// Reads all rows.
    func rows(_ layout: RowLayout) throws -> [InputRow] {
        var source = try RowSource(self, layout: layout)
        var rows: [InputRow] = []
        while let row = try source.next() { rows.append(row) }
        return rows
    }
}
