import Recurrent
import Streams
import Testing
import Wire

/// A stream table, with functions that send messages to it as the daemon's hot loop does.
final class Feed {
    var table: StreamTable

    init(_ models: ServedModel...) {
        table = StreamTable(models: models)
    }

    /// Creates a table that replays the records written since the last call.
    ///
    /// - Parameter model: The model of the records. The records refer to it by the number 5.
    /// - Returns: The table.
    /// - Throws: An error if the records cannot be read completely.
    func replayed(_ model: ServedModel) throws -> Feed {
        var taken = JournalRecords()
        table.journal.take(&taken)
        let again = Feed(model)
        var reader = JournalRecords.Reader(taken.bytes)
        var position: UInt64 = 0
        while let record = reader.next() {
            position += 1
            again.table.replay(record, at: position, models: [5: 0])
        }
        try #require(reader.isAtEnd)
        again.table.endReplay()
        return again
    }

    /// Sends timesteps in one message.
    ///
    /// - Returns: The published decisions on the message.
    @discardableResult
    func send(
        _ id: String, _ values: [Float], sequence: UInt64? = nil, _ flags: TimestepHeader.Flags = [], time: Int64 = 0
    ) throws(DropCause) -> [Decision] {
        let hasHeader = sequence != nil || !flags.isEmpty
        return try send(
            frames: hasHeader ? 3 : 2, id: Array(id.utf8), payload: Timesteps.bytes(values),
            header: TimestepHeader(sequence: sequence ?? 0, flags: flags).bytes, time: time)
    }

    /// Sends frames unchanged. Counts the message if it is dropped.
    @discardableResult
    func send(
        frames: Int, id: [UInt8], payload: [UInt8], header: [UInt8] = [], time: Int64 = 0
    ) throws(DropCause) -> [Decision] {
        var records = DecisionRecords()
        do throws(DropCause) {
            _ = try unsafe table.admit(
                frames: frames, id: id.span, payload: payload.span.bytes, header: header.span.bytes)
            try decide(time, into: &records)
        } catch {
            table.countDrop(error)
            throw error
        }
        return records.all
    }

    /// Sends a message of one frame in another codec. Counts the message if it is dropped.
    @discardableResult
    func send(_ codec: IngestCodec, _ text: String, time: Int64 = 0) throws(DropCause) -> [Decision] {
        var records = DecisionRecords()
        do throws(DropCause) {
            var message = ParsedTimesteps()
            try message.read(codec, frames: 1, first: Array(text.utf8).span, second: Span())
            _ = try table.admit(message)
            try decide(time, into: &records)
        } catch {
            table.countDrop(error)
            throw error
        }
        return records.all
    }

    /// Sends timesteps without processing the backlog.
    ///
    /// - Returns: The decisions on the timesteps that do not have to wait.
    @discardableResult
    func start(_ id: String, _ values: [Float], sequence: UInt64 = 0) throws(DropCause) -> [Decision] {
        let header = TimestepHeader(sequence: sequence)
        _ = try unsafe table.admit(
            frames: 3, id: Array(id.utf8).span, payload: Timesteps.bytes(values).span.bytes,
            header: header.bytes.span.bytes)
        table.stepBatch()
        var decided = DecidedBatch()
        table.decideBatch(time: 0, into: &decided)
        return decided.records.all
    }

    /// Sends one message for each stream, and steps all messages together.
    func sendTogether(_ messages: [(id: String, values: [Float])], time: Int64 = 0) throws(DropCause) {
        for message in messages {
            _ = try unsafe table.admit(
                frames: 2, id: Array(message.id.utf8).span, payload: Timesteps.bytes(message.values).span.bytes,
                header: RawSpan())
        }
        table.stepBatch()
        var decided = DecidedBatch()
        table.decideBatch(time: time, into: &decided)
        table.recordHistory(decided)
    }

    /// Processes one batch of the backlog.
    func takePiece() -> [Decision] {
        var decided = DecidedBatch()
        takeBacklog(0, into: &decided)
        return decided.records.all
    }

    /// Makes the table believe that its model is slow, so that it splits large messages into pieces of `pieceSize`
    /// timesteps.
    func setPieceSize(_ pieceSize: Int, features: Int = 1) throws {
        try start("slow", signal(5_000, features: features))
        let before = table.counters.timesteps
        _ = takePiece()
        let count = table.counters.timesteps - before
        #expect(count > 0)
        // The table aims at 5 ms per piece.
        table.learnPace(nanoseconds: Int64(count) * 5_000_000 / Int64(pieceSize))
        _ = try table.remove(.stream("slow"))
        _ = takeBacklog()
    }

    /// Processes the admitted message and the whole backlog.
    private func decide(_ time: Int64, into records: inout DecisionRecords) throws(DropCause) {
        table.stepBatch()
        var decided = DecidedBatch()
        table.decideBatch(time: time, into: &decided)
        while table.hasBacklog { takeBacklog(time, into: &decided) }
        table.recordHistory(decided)
        records = decided.records
        if let drop = decided.drops.first { throw drop.cause }
    }

    private func takeBacklog(_ time: Int64, into decided: inout DecidedBatch) {
        let count = decided.drops.count
        table.takeBacklog()
        table.stepBatch()
        table.decideBatch(time: time, into: &decided)
        for drop in decided.drops.dropFirst(count) { table.countDrop(drop.cause) }
    }

    /// Processes the whole backlog.
    ///
    /// - Returns: The published decisions, piece by piece.
    func takeBacklog(time: Int64 = 0) -> [(id: String, decisions: [Decision])] {
        var published: [(id: String, decisions: [Decision])] = []
        var decided = DecidedBatch()
        while table.hasBacklog {
            takeBacklog(time, into: &decided)
            var all = decided.records.all[...]
            for message in 0..<decided.count {
                let count = decided.records(of: message).count / (decided.records.byteCount / decided.records.count)
                let slot = decided.slot(of: message)
                var id: [UInt8] = []
                for index in table.idBytes(of: slot).indices { id.append(table.idBytes(of: slot)[index]) }
                published.append((String(decoding: id, as: UTF8.self), Array(all.prefix(count))))
                all = all.dropFirst(count)
            }
            decided.removeAll()
        }
        return published
    }

    /// Resumes streams.
    ///
    /// - Returns: The published decisions, piece by piece.
    func resume(_ selection: ControlCommand.Selection, time: Int64 = 0) throws -> [(id: String, decisions: [Decision])]
    {
        _ = try table.carryOut(.resume, on: selection)
        return takeBacklog(time: time)
    }

    /// Wakes streams, and processes the timesteps that were waiting for them.
    func wake(_ ids: [String], _ images: [StreamImage]) -> (decisions: [Decision], lost: [String]) {
        let lost = table.wake(ids, images)
        return (takeBacklog().flatMap(\.decisions), lost)
    }

    /// Returns the images of all streams.
    func images() throws -> [StreamImage] { try table.copy(.all).images }

    /// Returns the images of the changed streams, as a checkpoint copies them.
    func takeChanged() -> [StreamImage] { table.copyChanged(from: 0, limit: .max).slice.images }

    /// Returns the image of one stream; nil if there is no such stream.
    func image(_ id: String) throws -> StreamImage? {
        try table.copy(.stream(id)).images.first
    }
}

extension StreamTable {
    /// Sweeps without a pause until the operation has ended or waits for streams to be restored.
    mutating func finishSweep() {
        while canSweep { _ = sweep(limit: .max) }
    }

    /// Runs an operation until it ends.
    mutating func carryOut(
        _ operation: StreamOperation, on selection: ControlCommand.Selection
    ) throws(StreamsError) -> Int {
        let count = try begin(operation, on: selection)
        finishSweep()
        return count
    }

    /// Replaces a model's weights in a single sweep.
    mutating func reload(
        _ model: Int, with served: ServedModel, resetting: Bool, number: UInt16? = nil
    ) throws(StreamsError) -> Int {
        let carried = try beginReload(model, with: served, resetting: resetting, number: number)
        finishSweep()
        return carried
    }

    mutating func reset(_ selection: ControlCommand.Selection) throws(StreamsError) -> Int {
        try carryOut(.reset, on: selection)
    }

    mutating func pause(_ selection: ControlCommand.Selection) throws(StreamsError) -> Int {
        try carryOut(.pause, on: selection)
    }

    mutating func remove(_ selection: ControlCommand.Selection) throws(StreamsError) -> [UInt32] {
        let count = try carryOut(.remove, on: selection)
        let keys = takeRemovedKeys()
        #expect(keys.count == count)
        return keys
    }
}

/// Returns a served model. By default, the fingerprint is derived from the name.
func served(
    _ model: Model, name: String = "m", fingerprint: String? = nil, _ policy: ServingPolicy = ServingPolicy(),
    sequenceLength: Int? = nil, answersEveryTimestep: Bool = false
) -> ServedModel {
    ServedModel(
        name: name, file: "\(name).keras", fingerprint: fingerprint ?? "fingerprint of \(name)",
        model: ServableModel(
            model, answersEveryTimestep: answersEveryTimestep, sequenceLength: sequenceLength), policy: policy)
}

/// Returns a stateless model whose outputs equal its inputs, so that a test can choose the probabilities.
func echo(_ width: Int = 1) throws -> Model {
    let identity = (0..<(width * width)).map { Float($0 % (width + 1) == 0 ? 1 : 0) }
    return try Model(layers: [
        Dense(units: width, activation: .linear, kernel: Tensor(shape: [width, width], values: identity), bias: nil)
    ])
}

/// A stream that the engine steps directly, without a table.
struct Alone {
    private let pool: StatePool
    private let row: Int

    init(_ model: Model) {
        pool = StatePool(model: model)
        row = pool.insert()
    }

    /// Steps consecutive timesteps, and returns the bits of the outputs, shape (timesteps, outputs).
    func answers(to values: [Float]) -> [[UInt32]] {
        (0..<(values.count / pool.model.features)).map { index in
            pool.step(row, inputs: values.span, index: index)
            let outputs = pool.outputs(of: row)
            return outputs.indices.map { outputs[$0].bitPattern }
        }
    }

    /// Resets the state to zero.
    func reset() { pool.reset(row) }
}

/// Returns the bits of the decisions' probabilities, shape (decisions, outputs).
func bits(_ decisions: [Decision]) -> [[UInt32]] {
    decisions.map { $0.probabilities.map(\.bitPattern) }
}

/// Returns timesteps of a fixed sequence that resembles a signal. `start` is the position of the first timestep.
func signal(_ count: Int, features: Int = 1, from start: Float = 0) -> [Float] {
    (0..<(count * features)).map { ((start + Float($0)) * 0.754_877_7).truncatingRemainder(dividingBy: 1) * 4 - 2 }
}
