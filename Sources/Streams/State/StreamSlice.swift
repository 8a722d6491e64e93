/// Copies of some streams, as they go to the store and come back: many streams in a few pieces of memory.
///
/// Each stream has a key, which is its slot in the table: a number that stays the stream's own for as long as the stream
/// is there, over restarts too.
public struct StreamSlice: Sendable {
    /// What is known of one stream beside its id and its values.
    public struct Entry: Sendable {
        /// The stream's key.
        public var key: UInt32
        /// Which of ``StreamSlice/fingerprints`` is that of the weights.
        public var weights: Int
        /// The number of the last timestep consumed, over the stream's life; 0: none yet.
        public var sequence: UInt64
        /// Timesteps since the last reset.
        public var step: UInt64
        /// Nanoseconds since the Unix epoch when the last timestep was consumed.
        public var time: Int64
        /// The label of the last decision; nil before the first.
        public var label: UInt8?
        /// A jump ahead was seen that no published decision has told of yet.
        public var gapPending: Bool
        /// The journal's position when the copy was made: what the journal has up to it is in the copy.
        public var position: UInt64

        /// Creates an entry; each parameter is the property of its name.
        public init(
            key: UInt32, weights: Int, sequence: UInt64, step: UInt64, time: Int64, label: UInt8?, gapPending: Bool,
            position: UInt64
        ) {
            self.key = key
            self.weights = weights
            self.sequence = sequence
            self.step = step
            self.time = time
            self.label = label
            self.gapPending = gapPending
            self.position = position
        }
    }

    /// SHA-256 over architecture and weights, of all weights that an entry may name.
    public let fingerprints: [String]
    /// The streams.
    public private(set) var entries: [Entry] = []
    /// The keys of streams that are there no longer. Another stream may have one of them since.
    public var removedKeys: [UInt32] = []

    private var ids: [UInt8] = []
    private var values: [Float] = []
    /// Where each entry's id and values end.
    private var ends: [(id: Int, values: Int)] = []

    /// An empty slice.
    ///
    /// - Parameters:
    ///   - fingerprints: Those of all weights that an entry may name.
    ///   - capacity: How many streams it will hold, so that memory is asked for once.
    ///   - valuesPerStream: How many values each will about have.
    public init(fingerprints: [String], capacity: Int = 0, valuesPerStream: Int = 0) {
        self.fingerprints = fingerprints
        entries.reserveCapacity(capacity)
        ends.reserveCapacity(capacity)
        values.reserveCapacity(capacity * valuesPerStream)
    }

    /// The id of the last stream; nil where there is none.
    public var lastID: String? { entries.isEmpty ? nil : String(copying: id(entries.count - 1)) }

    /// Whether there is nothing to store.
    public var isEmpty: Bool { entries.isEmpty && removedKeys.isEmpty }

    /// Bytes of state.
    public var byteCount: Int { values.count * MemoryLayout<Float>.size }

    /// Adds a stream.
    ///
    /// - Parameters:
    ///   - entry: What is known of it.
    ///   - id: Its id.
    ///   - values: The state of each layer, then the last outputs: shape (stateSize + outputs).
    public mutating func append(_ entry: Entry, id: Span<UInt8>, values: Span<Float>) {
        unsafe id.withUnsafeBufferPointer { unsafe ids.append(contentsOf: $0) }
        unsafe values.withUnsafeBufferPointer { unsafe self.values.append(contentsOf: $0) }
        entries.append(entry)
        ends.append((ids.count, self.values.count))
    }

    /// The id of a stream.
    ///
    /// - Parameter index: Which of ``entries``.
    /// - Returns: Bytes of UTF-8.
    @_lifetime(borrow self)
    public func id(_ index: Int) -> Span<UInt8> {
        ids.span.extracting((index == 0 ? 0 : ends[index - 1].id)..<ends[index].id)
    }

    /// The values of a stream.
    ///
    /// - Parameter index: Which of ``entries``.
    /// - Returns: Shape (stateSize + outputs).
    @_lifetime(borrow self)
    public func values(_ index: Int) -> Span<Float> {
        values.span.extracting((index == 0 ? 0 : ends[index - 1].values)..<ends[index].values)
    }

    /// The streams one by one, as values of their own.
    public var images: [StreamImage] { entries.indices.map { image($0) } }

    func image(_ index: Int) -> StreamImage {
        let entry = entries[index]
        return StreamImage(
            id: String(copying: id(index)), fingerprint: fingerprints[entry.weights], sequence: entry.sequence,
            step: entry.step, time: entry.time, label: entry.label, gapPending: entry.gapPending,
            values: Array(copying: values(index)))
    }

    /// A slice of streams that are values of their own, with keys that mean nothing.
    ///
    /// - Parameter images: The streams.
    public init(_ images: [StreamImage]) {
        let fingerprints = Set(images.map(\.fingerprint)).sorted()
        let numbers = Dictionary(uniqueKeysWithValues: fingerprints.enumerated().map { ($1, $0) })
        self.init(fingerprints: fingerprints)
        for image in images {
            let entry = Entry(
                key: 0, weights: numbers[image.fingerprint] ?? 0, sequence: image.sequence, step: image.step,
                time: image.time, label: image.label, gapPending: image.gapPending, position: 0)
            append(entry, id: image.id.utf8.span, values: image.values.span)
        }
    }
}
