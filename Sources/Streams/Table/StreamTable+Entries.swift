import Recurrent
public import Wire

/// Admits the entries of messages in the codec `batch`, each in the same way as a binary message.
extension StreamTable {
    /// The frames of a message whose layout has been checked.
    public struct Entries: ~Escapable {
        let layout: BatchLayout
        let streams: Span<UInt8>
        let values: RawSpan
        let sequences: RawSpan
        let flags: RawSpan

        /// Creates the entries of a message from the frames after its header. Missing frames are empty.
        @_lifetime(copy streams, copy values, copy sequences, copy flags)
        public init(
            _ layout: BatchLayout, streams: Span<UInt8>, values: RawSpan, sequences: RawSpan, flags: RawSpan
        ) {
            self.layout = layout
            self.streams = streams
            self.values = values
            self.sequences = sequences
            self.flags = flags
        }
    }

    /// The result of admitting entries.
    public enum EntryAdmission {
        /// All entries were admitted.
        case all
        /// All entries before the given one were admitted. Decide the batch before admitting the given entry.
        case full(before: Int)
        /// All entries before the given one were admitted. The given entry was dropped.
        case dropped(Int, DropCause)
    }

    /// The number of streams whose data fits in the processor's second cache. With more streams, ``lookAhead(_:of:_:)``
    /// saves time.
    private static let cachedStreams = 4096

    /// Admits entries until one of them is dropped, or until the batch must be decided first.
    ///
    /// - Parameters:
    ///   - range: The indices of the entries.
    ///   - entries: The message.
    ///   - numbered: The streams of the message's dictionary; nil if the message has ids. All numbers are in the
    ///     dictionary.
    /// - Returns: The first entry that was not admitted, if there is one.
    public mutating func admit(
        _ range: Range<Int>, of entries: borrowing Entries, _ numbered: NumberedStreams?
    ) -> EntryAdmission {
        if let numbered { return admit(range, of: entries, numbered: numbered) }
        let width = entries.layout.width
        for entry in range {
            do throws(DropCause) {
                let id = PaddedIDs.id(at: entry, in: entries.streams, width: width)
                guard try admit(entry, of: entries, id, known: nil) else { return .full(before: entry) }
            } catch {
                return .dropped(entry, error)
            }
        }
        return .all
    }

    private mutating func admit(
        _ range: Range<Int>, of entries: borrowing Entries, numbered: NumberedStreams
    ) -> EntryAdmission {
        let dictionary = numbered.dictionary
        for entry in range {
            do throws(DropCause) {
                let number = unsafe entries.layout.number(of: entry, in: entries.streams.bytes)
                let known = numbered.slot(of: number, removals: index.removals)
                let id = dictionary.id(number)
                guard try admit(entry, of: entries, id, known: known) else { return .full(before: entry) }
                if known == nil, let slot = index.find(id) { numbered.note(slot, of: number) }
            } catch {
                return .dropped(entry, error)
            }
        }
        return .all
    }

    /// Admits one entry.
    ///
    /// - Parameters:
    ///   - entry: The index of the entry.
    ///   - entries: The message.
    ///   - id: The stream.
    ///   - known: The slot of the stream, if it is known.
    /// - Returns: Same as for ``admit(frames:id:payload:header:)``.
    /// - Throws: Same as for ``admit(frames:id:payload:header:)``. Also ``DropCause/length`` if the model does not take
    ///   values of this type.
    @inline(__always)
    private mutating func admit(
        _ entry: Int, of entries: borrowing Entries, _ id: Span<UInt8>, known: Int?
    ) throws(DropCause) -> Bool {
        let place = if let known { place(ofSlot: known) } else { try place(of: id) }
        guard isFree(place) else { return false }
        let layout = entries.layout
        guard (layout.type == .int32) == (rules[place.model].vocabulary != nil) else { throw .length }
        try admit(
            layout.row(of: entry, in: entries.values), of: id, at: place,
            layout.header(of: entry, sequences: entries.sequences, flags: entries.flags))
        return true
    }

    /// Asks the processor to load the data of the streams whose entries will be admitted next. Otherwise, if there are
    /// many streams, each lookup would wait for memory several times.
    ///
    /// - Parameters: Same as for ``admit(_:of:_:)-swift.method``.
    public mutating func lookAhead(_ range: Range<Int>, of entries: borrowing Entries, _ numbered: NumberedStreams?) {
        guard index.count > Self.cachedStreams else { return }
        expected.removeAll()
        if let numbered {
            for entry in range {
                let number = unsafe entries.layout.number(of: entry, in: entries.streams.bytes)
                if let slot = numbered.slot(of: number, removals: index.removals) { streams.prefetch(slot) }
            }
            return
        }
        let width = entries.layout.width
        for entry in range {
            let hash = index.hash(PaddedIDs.id(at: entry, in: entries.streams, width: width))
            index.prefetchBucket(of: hash)
            expected.append(hash)
        }
        for entry in 0..<expected.count {
            let slot = index.likelySlot(of: expected[entry])
            expected[entry] = slot
            guard slot != .max else { continue }
            index.prefetchPlace(of: Int(slot))
            streams.prefetch(Int(slot))
        }
        for entry in 0..<expected.count where expected[entry] != .max { index.prefetchID(of: Int(expected[entry])) }
    }
}
