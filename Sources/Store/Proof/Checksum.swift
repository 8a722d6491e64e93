import CSodium

/// A checksum over the columns of a row: libsodium's SipHash-2-4
/// (<https://doc.libsodium.org/hashing/short-input_hashing>). The key is the identity of the state.
///
/// Each column is encoded unambiguously, so that different rows never produce the same bytes. The buffer is reused for
/// the next row, because a checkpoint may have millions of rows.
struct Checksum {
    /// The kinds of rows. Rows of different kinds have different checksums even if their columns are equal.
    enum Kind: UInt8 {
        case stream = 1
        case snapshotStream, snapshot, weights, layout, header, journalWeights, journalBatch, journalHeader, seal
    }

    private let identity: StateIdentity
    private var bytes: [UInt8] = []

    init(_ identity: StateIdentity) {
        self.identity = identity
    }

    /// Returns the checksum of a row that consists only of numbers.
    static func of(_ kind: Kind, _ numbers: [UInt64], _ identity: StateIdentity) -> UInt64 {
        var checksum = Checksum(identity)
        checksum.begin(kind)
        for number in numbers { checksum.add(number) }
        return checksum.end()
    }

    /// Begins a row.
    mutating func begin(_ kind: Kind) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(kind.rawValue)
    }

    mutating func add(_ number: Int64) {
        unsafe withUnsafeBytes(of: number.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func add(_ number: UInt64) { add(Int64(bitPattern: number)) }

    /// Adds a number that may be missing.
    mutating func add(_ number: Int64?) {
        bytes.append(number == nil ? 0 : 1)
        add(number ?? 0)
    }

    /// Adds the number of bytes, followed by the bytes.
    mutating func add(_ span: RawSpan) {
        add(Int64(span.byteCount))
        unsafe span.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func add(_ text: String) { add(unsafe text.utf8.span.bytes) }

    /// Returns the checksum of everything added since ``begin(_:)``. The result is never 0, because 0 stands for a
    /// missing row.
    func end() -> UInt64 {
        var hash: UInt64 = 0
        unsafe withUnsafeMutablePointer(to: &hash) { hash in
            unsafe hash.withMemoryRebound(to: UInt8.self, capacity: MemoryLayout<UInt64>.size) { out in
                _ = unsafe crypto_shorthash(out, bytes, UInt64(bytes.count), identity.bytes)
            }
        }
        let value = UInt64(littleEndian: hash)
        return value == 0 ? 1 : value
    }
}
