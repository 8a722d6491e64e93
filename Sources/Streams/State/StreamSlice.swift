/// Copies of some streams on their way to or from the store, packed into a few arrays.
///
/// Each stream has a key, which is its slot in the table. A stream keeps its key for as long as it exists, even across
/// restarts.
public struct StreamSlice: Sendable {
    /// The data of one stream, except for its id and values.
    public struct Entry: Sendable {
        /// The stream's key.
        public var key: UInt32
        /// The index of the weights' fingerprint in ``StreamSlice/fingerprints``.
        public var weights: Int
        /// The sequence number of the last timestep consumed, counted over the stream's life; 0 before the first.
        public var sequence: UInt64
        /// The number of timesteps since the last reset.
        public var step: UInt64
        /// The time at which the last timestep was consumed, in nanoseconds since the Unix epoch.
        public var time: Int64
        /// The label of the last decision; nil before the first.
        public var label: UInt8?
        /// Whether the stream has a gap that no published decision has reported yet.
        public var gapPending: Bool
        /// The journal's position when the copy was made. The copy contains all records up to this position.
        public var position: UInt64

        /// Creates an entry. Each parameter sets the property of the same name.
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

    /// The fingerprints that the entries refer to, in the form of ``StreamImage/fingerprint``.
    public let fingerprints: [String]
    /// The streams.
    public private(set) var entries: [Entry] = []
    /// The keys of removed streams. A new stream may already have one of these keys.
    public var removedKeys: [UInt32] = []

    private var ids: [UInt8] = []
    private var values: [Float] = []
    /// For each entry, the end of its id in `ids` and of its values in `values`.
    private var ends: [(id: Int, values: Int)] = []

    /// Creates an empty slice.
    ///
    /// - Parameters:
    ///   - fingerprints: The fingerprints that the entries will refer to.
    ///   - capacity: The expected number of streams. Memory for them is reserved at once.
    ///   - valuesPerStream: The approximate number of values per stream.
    public init(fingerprints: [String], capacity: Int = 0, valuesPerStream: Int = 0) {
        self.fingerprints = fingerprints
        entries.reserveCapacity(capacity)
        ends.reserveCapacity(capacity)
        values.reserveCapacity(capacity * valuesPerStream)
    }

    /// The id of the last stream; nil if the slice has no streams.
    public var lastID: String? { entries.isEmpty ? nil : String(copying: id(entries.count - 1)) }

    /// Whether there is nothing to store.
    public var isEmpty: Bool { entries.isEmpty && removedKeys.isEmpty }

    /// The total size of the values, in bytes.
    public var byteCount: Int { values.count * MemoryLayout<Float>.size }

    /// Adds a stream.
    ///
    /// - Parameters:
    ///   - entry: The data of the stream.
    ///   - id: The id of the stream.
    ///   - values: The values, as in ``StreamImage/values``.
    public mutating func append(_ entry: Entry, id: Span<UInt8>, values: Span<Float>) {
        unsafe id.withUnsafeBufferPointer { unsafe ids.append(contentsOf: $0) }
        unsafe values.withUnsafeBufferPointer { unsafe self.values.append(contentsOf: $0) }
        entries.append(entry)
        ends.append((ids.count, self.values.count))
    }

    /// The id of a stream.
    ///
    /// - Parameter index: The index in ``entries``.
    /// - Returns: The id as UTF-8.
    @_lifetime(borrow self)
    public func id(_ index: Int) -> Span<UInt8> {
        ids.span.extracting((index == 0 ? 0 : ends[index - 1].id)..<ends[index].id)
    }

    /// The values of a stream.
    ///
    /// - Parameter index: The index in ``entries``.
    /// - Returns: The values, as in ``StreamImage/values``.
    @_lifetime(borrow self)
    public func values(_ index: Int) -> Span<Float> {
        values.span.extracting((index == 0 ? 0 : ends[index - 1].values)..<ends[index].values)
    }

    /// The streams as separate values.
    public var images: [StreamImage] { entries.indices.map { image($0) } }

    func image(_ index: Int) -> StreamImage {
        let entry = entries[index]
        return StreamImage(
            id: String(copying: id(index)), fingerprint: fingerprints[entry.weights], sequence: entry.sequence,
            step: entry.step, time: entry.time, label: entry.label, gapPending: entry.gapPending,
            values: Array(copying: values(index)))
    }

    /// Creates a slice from separate streams. The keys in its entries have no meaning.
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
