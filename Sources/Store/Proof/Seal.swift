/// The facts that one file of a state folder has about the others, so that a missing or an older one is noticed: the file
/// `sluice.seal`.
public struct Seal: Equatable, Sendable {
    /// How the journal was kept when the seal was written.
    public enum JournalKind: UInt64, Sendable {
        /// There was none.
        case none
        /// Each commit waited for the disk.
        case full
        /// A power cut may take its last records.
        case normal
        /// It could not be written, so that the database may be ahead of it.
        case failed
    }

    /// The state folder's identity.
    public let identity: StateIdentity
    /// The number of this seal, from 1.
    var serial: UInt64 = 0
    /// The database's generation. The database has this one, or the next if the daemon ended between the two writes.
    public internal(set) var generation: UInt64 = 0
    /// How the journal is kept.
    public internal(set) var journalKind = JournalKind.none
    /// A generation that the journal has, or a later one.
    public internal(set) var journalGeneration: UInt64 = 0
    /// The last record that the journal has; after a crash there may be later ones.
    var journalEnd: UInt64 = 0
    /// The checksum of the batch with that record.
    var journalTail: UInt64 = 0
    /// Whether the daemon stopped in order, so that nothing came after the seal.
    public internal(set) var isOrderly = false
    /// Nanoseconds since the Unix epoch when the seal was written, for display.
    public internal(set) var time: Int64 = 0

    init(_ identity: StateIdentity) {
        self.identity = identity
    }

    // MARK: - Bytes

    /// Bytes of a seal; all numbers are little-endian.
    static let byteCount = 96
    /// "sluice" and the version of the form.
    private static let magic: UInt64 = 0x0001_6563_6975_6C73

    /// The seal as the file has it.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        func append(_ number: UInt64) {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        append(Self.magic)
        bytes += identity.bytes
        for number in [
            serial, generation, journalKind.rawValue, journalGeneration, journalEnd, journalTail, isOrderly ? 1 : 0,
            UInt64(bitPattern: time),
        ] { append(number) }
        append(checksum)
        return bytes
    }

    /// A seal that was stored; nil where the bytes are none, or damaged.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        func number(_ index: Int) -> UInt64 {
            bytes[(8 * index)..<(8 * index + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        guard number(0) == Self.magic, let identity = StateIdentity(Array(bytes[8..<24])),
            let kind = JournalKind(rawValue: number(5)), number(9) <= 1
        else { return nil }
        self.init(identity)
        serial = number(3)
        generation = number(4)
        journalKind = kind
        journalGeneration = number(6)
        journalEnd = number(7)
        journalTail = number(8)
        isOrderly = number(9) == 1
        time = Int64(bitPattern: number(10))
        guard number(11) == checksum else { return nil }
    }

    private var checksum: UInt64 {
        var checksum = Checksum(identity)
        checksum.begin(.seal)
        for number in [
            serial, generation, journalKind.rawValue, journalGeneration, journalEnd, journalTail, isOrderly ? 1 : 0,
            UInt64(bitPattern: time),
        ] { checksum.add(number) }
        return checksum.end()
    }
}
