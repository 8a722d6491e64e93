import Wire

/// The rows of the input. They are read ahead of sending, so that one request can ask the daemon about many streams. A
/// wrong row is reported after the rows before it.
struct RowQueue {
    /// The maximum number of rows to read ahead.
    private static let capacity = 1_024

    private let file: InputFile
    private let layout: RowLayout
    private let routes: ModelRoutes
    private var source: RowSource
    private var rows: [InputRow] = []
    private var next = 0
    private var failure: ClientError?
    private var isAtEnd = false
    private var models: [StreamKey: DaemonStatus.Model] = [:]

    init(_ file: InputFile, layout: RowLayout, routes: ModelRoutes) throws(ClientError) {
        self.file = file
        self.layout = layout
        self.routes = routes
        source = try RowSource(file, layout: layout)
    }

    /// Bytes of the rows read so far.
    var byteCount: Int { source.byteCount }

    /// Whether reading the next row would block.
    var wouldWait: Bool { next == rows.count && failure == nil && !isAtEnd && source.wouldWait }

    /// Returns the next row, checked against its model; nil at the end.
    ///
    /// - Throws: ``ClientError`` with the status `data` if the row is wrong.
    mutating func peek() throws(ClientError) -> InputRow? {
        if next == rows.count { fill() }
        if next < rows.count { return rows[next] }
        if let failure { throw failure }
        return nil
    }

    /// Advances to the following row.
    mutating func advance() { next += 1 }

    /// The streams of the available rows, each once.
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
    }

    /// Reads rows until a read would block, but at least one.
    private mutating func fill() {
        rows.removeAll(keepingCapacity: true)
        next = 0
        guard failure == nil, !isAtEnd else { return }
        do throws(ClientError) {
            repeat {
                guard var row = try source.next() else {
                    isAtEnd = true
                    return
                }
                let model = try model(for: row.stream)
                try row.check(features: model.features, vocabulary: model.tokens, place: source.place)
                row.areTokens = model.tokens != nil
                rows.append(row)
            } while rows.count < Self.capacity && !source.wouldWait
        } catch {
            failure = error
        }
    }

    private mutating func model(for stream: String) throws(ClientError) -> DaemonStatus.Model {
        let key = StreamKey(stream)
        if let model = models[key] { return model }
        let model = try routes.model(for: stream, place: source.place)
        models[key] = model
        return model
    }
}
