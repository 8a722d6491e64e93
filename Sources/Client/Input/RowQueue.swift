import Wire

/// The rows of the input, read ahead so that one request can ask the daemon about many streams. A bad row is reported
/// only after the rows before it have been returned.
///
/// The newest row of each stream is held back until it is known whether the row ends its sequence. Rows are held back
/// only if the model decides at the end of a sequence, and if a column identifies the sequences or all rows form one
/// sequence.
struct RowQueue {
    /// The maximum number of rows to read ahead.
    private static let capacity = 1_024
    /// The maximum number of values to read ahead.
    private static let valueCapacity = 1 << 20
    /// The maximum number of values in a message, unless a single timestep has more.
    private static let messageCapacity = 1 << 18

    private let file: InputFile
    private let layout: RowLayout
    private let routes: ModelRoutes
    private var source: RowSource
    private var rows: [InputRow] = []
    private var next = 0
    private var failure: ClientError?
    private(set) var isAtEnd = false
    private var models: [StreamKey: DaemonStatus.Model] = [:]
    private var newest = NewestRows()
    /// Whether any row has been read.
    private var hasBegun = false

    init(_ file: InputFile, layout: RowLayout, routes: ModelRoutes) throws(ClientError) {
        var layout = layout
        layout.takesTokens = layout.stream.flatMap { routes.model(for: $0) }?.tokens != nil
        self.file = file
        self.layout = layout
        self.routes = routes
        source = try RowSource(file, layout: layout)
    }

    /// The bad rows that were skipped.
    var badRows: BadRows { source.badRows }

    /// The number of bytes in the rows read so far.
    var byteCount: Int { source.byteCount }

    /// Whether reading the next row would block.
    var wouldWait: Bool { isEmpty && failure == nil && !isAtEnd && source.wouldWait }

    /// Whether all rows read so far have been passed on, except for rows that are held back.
    var isEmpty: Bool { next == rows.count }

    /// The models of the streams read so far, without duplicates and sorted by name.
    var usedModels: [DaemonStatus.Model] {
        var seen: Set<String> = []
        return models.values.filter { seen.insert($0.name).inserted }.sorted { $0.name < $1.name }
    }

    /// Returns the next row, checked against its model, without removing it. If no row is available, first reads rows
    /// until a read would block.
    ///
    /// - Returns: The row; nil at the end of the input, or if every row read so far is held back.
    /// - Throws: ``ClientError`` with the status `data` if the next row is bad.
    mutating func peek() throws(ClientError) -> InputRow? {
        if isEmpty { fill() }
        if !isEmpty { return rows[next] }
        if let failure { throw failure }
        return nil
    }

    /// Ends the input. Rows that are held back become available after the others, without an end flag.
    mutating func interrupt() {
        newest.release(areEnds: false, to: &rows)
        isAtEnd = true
    }

    /// Advances to the next row.
    mutating func advance() { next += 1 }

    /// The streams of the available rows, without duplicates.
    var streams: [StreamKey] {
        var seen: Set<StreamKey> = []
        return rows[next...].map { StreamKey($0.stream) }.filter { seen.insert($0).inserted }
    }

    /// Returns to the first row of the file.
    mutating func rewind() throws(ClientError) {
        try file.rewind()
        source = try RowSource(file, layout: layout)
        rows.removeAll()
        next = 0
        failure = nil
        isAtEnd = false
        newest = NewestRows()
        hasBegun = false
    }

    /// Reads rows until a read would block.
    private mutating func fill() {
        rows.removeAll(keepingCapacity: true)
        next = 0
        guard failure == nil, !isAtEnd else { return }
        var count = 0
        do throws(ClientError) {
            repeat {
                let next = try source.next { [routes] row, place throws(ClientError) in
                    let key = StreamKey(row.stream)
                    let model =
                        if let known = models[key] { known } else { try routes.model(for: row.stream, place: place) }
                    models[key] = model
                    try row.fit(features: model.features, vocabulary: model.tokens, place: place)
                    row.areTokens = model.tokens != nil
                }
                guard let row = next else {
                    newest.release(areEnds: !file.isInterrupted, to: &rows)
                    isAtEnd = true
                    return
                }
                add(row)
                count += row.values.count
            } while rows.count < Self.capacity && count < Self.valueCapacity && !source.wouldWait
        } catch {
            newest.release(areEnds: false, to: &rows)
            failure = error
        }
    }

    /// Makes a row available, or holds it back until it is known whether the row ends its sequence.
    private mutating func add(_ row: InputRow) {
        var row = row
        let decidesAtEnd = models[StreamKey(row.stream)]?.decidesAtEnd == true
        if source.isOneSequence, decidesAtEnd, !hasBegun { row.flags.insert(.start) }
        hasBegun = true
        if decidesAtEnd, layout.sequenceColumn != nil || source.isOneSequence {
            newest.add(row, to: &rows)
        } else {
            rows += row.parts(limit: Self.messageCapacity)
        }
    }
}
