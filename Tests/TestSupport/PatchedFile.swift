import Foundation

/// A fixture with changed bytes.
package struct PatchedFile: Sendable {
    /// The current contents.
    package var bytes: [UInt8]

    /// Reads a fixture, such as `reference/model2.h5`.
    ///
    /// - Throws: Foundation's error if there is no such fixture.
    package init(_ fixture: String) throws {
        bytes = Array(try Data(contentsOf: Fixtures.url(fixture)))
    }

    /// Creates a file from bytes.
    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Replaces each occurrence of a string. The new string must not be longer than the old one. A shorter one is
    /// padded with spaces, because nothing in the file may move.
    ///
    /// - Returns: The number of occurrences.
    package mutating func replace(_ old: String, with new: String) -> Int {
        let (old, new) = (Array(old.utf8), Array(new.utf8))
        precondition(new.count <= old.count, "the replacement is longer")
        let filled = new + Array(repeating: UInt8(ascii: " "), count: old.count - new.count)
        return bytes.replaceAll(old, with: filled)
    }

    /// Changes an uncompressed entry of a zip archive, and corrects its checksum, so that the archive can still be
    /// read.
    ///
    /// - Throws: The errors of `change`.
    package mutating func changeEntry(_ name: String, _ change: (inout PatchedFile) throws -> Void) rethrows {
        let header = Array("PK\u{3}\u{4}".utf8)
        let starts = bytes.indices.filter { bytes[$0...].starts(with: header) }
        for start in starts where bytes[(start + 30)...].starts(with: Array(name.utf8)) {
            let size = bytes.word(at: start + 22, bytes: 4)
            let dataStart = start + 30 + bytes.word(at: start + 26, bytes: 2) + bytes.word(at: start + 28, bytes: 2)
            let range = dataStart..<dataStart + size
            var entry = PatchedFile(bytes: Array(bytes[range]))
            let old = Self.checksum(entry.bytes)
            try change(&entry)
            bytes.replaceSubrange(range, with: entry.bytes)
            _ = bytes.replaceAll(old, with: Self.checksum(entry.bytes))
        }
    }

    /// Returns zip's CRC-32, little-endian.
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
    /// Reads a little-endian number.
    fileprivate func word(at start: Int, bytes count: Int) -> Int {
        (0..<count).reduce(0) { $0 | Int(self[start + $1]) << (8 * $1) }
    }

    /// Replaces each occurrence of a byte sequence with another sequence of the same length. Returns the number of
    /// occurrences.
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
