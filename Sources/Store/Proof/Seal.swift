/// The contents of the file `sluice.seal`: facts about the other files of a state folder. The facts reveal whether one
/// of these files is missing or too old.
public struct Seal: Equatable, Sendable {
    /// The state of the journal when the seal was written.
    public enum JournalKind: UInt64, Sendable {
        /// There is no journal.
        case none
        /// Each commit waits for the disk.
        case full
        /// Commits do not wait for the disk, so a power cut may lose the last records.
        case normal
        /// The journal could not be written, so the database may have changes that the journal lacks.
        case failed
    }

    /// The state folder's identity.
    public let identity: StateIdentity
    /// The serial number of this seal, counted from 1.
    var serial: UInt64 = 0
    /// The database's generation. If the daemon ended between writing the database and writing the seal, the database
    /// is one generation ahead.
    public internal(set) var generation: UInt64 = 0
    /// The state of the journal.
    public internal(set) var journalKind = JournalKind.none
    /// A generation that the journal is known to have reached. The journal may have reached a later one since.
    public internal(set) var journalGeneration: UInt64 = 0
    /// The position of the last record that is known to be in the journal. After a crash, the journal may also have
    /// later records.
    var journalEnd: UInt64 = 0
    /// The checksum of the batch that contains the record at ``journalEnd``.
    var journalTail: UInt64 = 0
    /// Whether the daemon stopped in an orderly way. If so, nothing was written after this seal.
    public internal(set) var isOrderly = false
    /// The time at which the seal was written, in nanoseconds since the Unix epoch. It is only for display.
    public internal(set) var time: Int64 = 0

    init(_ identity: StateIdentity) {
        self.identity = identity
    }

    // MARK: - Bytes

    /// The size of a seal in bytes. All numbers are little-endian.
    static let byteCount = 96
    /// The text "sluice" and the version of the format.
    private static let magic: UInt64 = 0x0001_6563_6975_6C73

    /// The seal in the file's format.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        func append(_ number: UInt64) {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        append(Self.magic)
        bytes += identity.bytes
        for number in numbers { append(number) }
        append(checksum)
        return bytes
    }

    /// Reads a stored seal. Returns nil if the bytes are not a seal or are damaged.
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

    private var checksum: UInt64 { Checksum.of(.seal, numbers, identity) }

    private var numbers: [UInt64] {
        [
            serial, generation, journalKind.rawValue, journalGeneration, journalEnd, journalTail, isOrderly ? 1 : 0,
            UInt64(bitPattern: time),
        ]
    }
}
