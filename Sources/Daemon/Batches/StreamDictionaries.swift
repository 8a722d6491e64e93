import Streams
import Wire

/// The dictionaries that producers have announced.
struct StreamDictionaries {
    /// The maximum number of dictionaries. Beyond this number, the least recently used dictionary is forgotten.
    static let maximumCount = 64

    /// The dictionaries, with the most recently used one at the end.
    private var entries: [NumberedStreams]
    /// Whether the store has the same dictionaries, or will have them once its current job has ended.
    private(set) var areStored = true

    /// - Parameter stored: The stored dictionaries, oldest first.
    init(_ stored: [StreamDictionary]) {
        entries = stored.suffix(Self.maximumCount).map(NumberedStreams.init)
    }

    /// The number of dictionaries.
    var count: Int { entries.count }

    /// All dictionaries, with the most recently used one at the end.
    var all: [StreamDictionary] { entries.map(\.dictionary) }

    /// Adds a dictionary that is not known yet.
    mutating func add(_ dictionary: StreamDictionary) {
        if entries.count == Self.maximumCount { entries.removeFirst() }
        entries.append(NumberedStreams(dictionary))
        areStored = false
    }

    /// Returns the dictionary with a hash; nil if there is none.
    mutating func find(_ hash: UInt64) -> NumberedStreams? {
        guard let index = entries.lastIndex(where: { $0.dictionary.hash == hash }) else { return nil }
        if index < entries.count - 1 { entries.append(entries.remove(at: index)) }
        return entries.last
    }

    /// Checks a received message in the codec `batch`. If it is valid, its entries may be taken, or its dictionary is
    /// known from now on.
    ///
    /// - Parameters:
    ///   - batch: The message.
    ///   - maximumSize: The maximum size of a frame, in bytes.
    /// - Returns: The kind of message.
    /// - Throws: ``DropCause`` if the message is dropped.
    mutating func begin(_ batch: inout ReceivedBatch, maximumSize: Int) throws(DropCause) -> BatchHeader.Kind {
        if batch.exceeds(maximumSize) { throw .tooLarge }
        let header = try BatchHeader(batch.header.rawBytes)
        switch header.kind {
        case .ids: try batch.begin(header)
        case .numbers:
            guard let numbered = find(header.dictionary) else { throw .dictionary }
            try batch.begin(header, numbered)
        case .dictionary:
            let known = find(header.dictionary)?.dictionary
            if let new = try batch.dictionary(header, known: known) { add(new) }
        }
        return header.kind
    }

    mutating func beginStoring() { areStored = true }

    /// Records that the dictionaries must be stored, for example because the last attempt failed.
    mutating func mustBeStored() { areStored = false }
}
