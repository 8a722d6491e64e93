import Foundation
import ModelFiles
import TestSupport

/// A fixture with some of its bytes changed, written to a temporary file for as long as it is read.
struct PatchedFile {
    var bytes: [UInt8]

    /// The unchanged bytes of a fixture, such as `reference/model2.h5`.
    init(_ fixture: String) throws {
        bytes = Array(try Data(contentsOf: Fixtures.url(fixture)))
    }

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Replaces each occurrence of a text by another that is not longer, filled up with spaces, so nothing moves.
    ///
    /// - Returns: How many there were.
    mutating func replace(_ old: String, with new: String) -> Int {
        let (old, new) = (Array(old.utf8), Array(new.utf8))
        precondition(new.count <= old.count, "the replacement is longer")
        let filled = new + Array(repeating: UInt8(ascii: " "), count: old.count - new.count)
        return bytes.replaceAll(old, with: filled)
    }

    /// Changes an uncompressed entry of a zip archive and corrects its checksum, so that the change gets through.
    mutating func changeEntry(_ name: String, _ change: (inout PatchedFile) throws -> Void) throws {
        let header = Array("PK\u{3}\u{4}".utf8)
        let starts = bytes.indices.filter { bytes[$0...].starts(with: header) }
        for start in starts where bytes[(start + 30)...].starts(with: Array(name.utf8)) {
            let word = { (offset: Int) in (0..<4).reduce(0) { $0 | Int(bytes[start + offset + $1]) << (8 * $1) } }
            let nameAndExtra = word(26)
            let dataStart = start + 30 + nameAndExtra & 0xFFFF + nameAndExtra >> 16
            let range = dataStart..<dataStart + word(22)
            var entry = PatchedFile(bytes: Array(bytes[range]))
            let old = Self.checksum(entry.bytes)
            try change(&entry)
            bytes.replaceSubrange(range, with: entry.bytes)
            _ = bytes.replaceAll(old, with: Self.checksum(entry.bytes))
        }
    }

    /// Reads the bytes as a model file of the name `patched.model`.
    func read() throws -> ModelFile {
        let folder = URL.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let url = folder.appending(path: "patched.model")
        try Data(bytes).write(to: url)
        return try ModelFile.read(url.path())
    }

    /// CRC-32 as zip has it, little-endian.
    private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        var crc: UInt32 = .max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 {
                crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0)
            }
        }
        return (0..<4).map { UInt8(truncatingIfNeeded: ~crc >> (8 * $0)) }
    }
}

extension [UInt8] {
    /// Replaces each occurrence of some bytes by as many others, and tells how many there were.
    fileprivate mutating func replaceAll(_ old: [UInt8], with new: [UInt8]) -> Int {
        var count = 0
        var index = 0
        while index + old.count <= self.count {
            if self[index] == old[0], self[index..<index + old.count].elementsEqual(old) {
                replaceSubrange(index..<index + old.count, with: new)
                index += old.count
                count += 1
            } else {
                index += 1
            }
        }
        return count
    }
}
