import Wire

/// The rows of the input, read some ahead of what is sent, so that the daemon is asked for many streams at once. A row that is
/// wrong is met when those before it were taken.
struct RowQueue {
    /// Rows that are read ahead, at most.
    private static let capacity = 1_024

    private let file: InputFile
    private let layout: ReadingLayout
    private let routes: ModelRoutes
    private var source: ReadingSource
    private var rows: [Reading] = []
    private var next = 0
    private var failure: ClientError?
    private var isAtEnd = false
    private var models: [StreamKey: DaemonStatus.Model] = [:]

    init(_ file: InputFile, layout: ReadingLayout, routes: ModelRoutes) throws(ClientError) {
        self.file = file
        self.layout = layout
        self.routes = routes
        source = try ReadingSource(file, layout: layout)
    }

    /// Bytes of the rows read so far.
    var byteCount: Int { source.byteCount }

    /// Whether the next row would have to be waited for.
    var wouldWait: Bool { next == rows.count && failure == nil && !isAtEnd && source.wouldWait }

    /// The row that is next, checked against its model; nil at the end.
    ///
    /// - Throws: ``ClientError`` with the status `data` where the row is wrong.
    mutating func peek() throws(ClientError) -> Reading? {
        if next == rows.count { fill() }
        if next < rows.count { return rows[next] }
        if let failure { throw failure }
        return nil
    }

    /// Goes on to the row after.
    mutating func advance() { next += 1 }

    /// The streams of the rows that are there, each once.
    var streams: [StreamKey] {
        var seen: Set<StreamKey> = []
        return rows[next...].map { StreamKey($0.stream) }.filter { seen.insert($0).inserted }
    }

    /// Begins again with the first row of the file.
    mutating func rewind() throws(ClientError) {
        try file.rewind()
        source = try ReadingSource(file, layout: layout)
        rows.removeAll()
        next = 0
        failure = nil
        isAtEnd = false
    }

    /// Reads rows until one would have to be waited for; the first in any case.
    private mutating func fill() {
        rows.removeAll(keepingCapacity: true)
        next = 0
        guard failure == nil, !isAtEnd else { return }
        do throws(ClientError) {
            repeat {
                guard var reading = try source.next() else {
                    isAtEnd = true
                    return
                }
                let model = try model(for: reading.stream)
                try reading.check(features: model.features, vocabulary: model.tokens, place: source.place)
                reading.areTokens = model.tokens != nil
                rows.append(reading)
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
