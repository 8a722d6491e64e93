import Daemon
import ModelFiles
import Streams
import TestSupport
import Wire

/// The code under test: the daemon's own readers, and a table of streams of every mode.
struct FuzzSubject: ~Copyable {
    /// The maximum number of streams. Damaged ids could otherwise create streams without bound.
    private static let maximumStreams = 2_000

    var table: StreamTable
    private var parsed = ParsedTimesteps()
    /// The dictionary that messages of many streams may refer to.
    private var dictionary: StreamDictionary
    private var decided = DecidedBatch()
    /// Whether the records of the last decisions are complete.
    private var isReadable = true
    private var time: Int64 = 0

    init() throws {
        let known = try Self.dictionary()
        let models = [
            try Self.served("stacked", "state", [""], .stateful, .every),
            try Self.served("stacked", "window", ["w-"], ServingPolicy.Mode("window:4:2") ?? .stateful, .last),
            try Self.served("tokens_many", "tokens", ["t-"], .stateful, .change),
            try Self.served("normalizations", "sequences", ["q-"], .sequence, .final),
        ]
        dictionary = known
        table = StreamTable(models: models)
        table.maximumStreams = Self.maximumStreams
        // There is room for fewer streams than there are, so that they take each other's places.
        table.keepHistory(points: 4, bytes: 1 << 14)
    }

    /// The dictionary that the subject knows at the beginning.
    static func dictionary() throws -> StreamDictionary {
        try StreamDictionary(ids: ["s-1", "w-2", "s-3", "t-1"].map { Array($0.utf8) })
    }

    private static func served(
        _ fixture: String, _ name: String, _ prefixes: [String], _ mode: ServingPolicy.Mode, _ emit: ServingPolicy.Emit
    ) throws -> ServedModel {
        let path = Fixtures.url("exchange/\(fixture).safetensors").path()
        let file = try ModelFile.read(path)
        let policy = ServingPolicy(prefixes: prefixes, mode: mode, emit: emit, maximumLength: 100)
        let served = ServableModel(file.model, isStateful: true)
        try policy.check(served)
        return ServedModel(
            name: name, file: path, fingerprint: "\(name)-\(file.fingerprint)", model: served, policy: policy)
    }

    /// Processes an input as the daemon does.
    mutating func take(_ frames: [[UInt8]], as kind: FuzzKind) -> Mark {
        time += 1
        switch kind {
        case .binary, .json, .text: return takeTimesteps(frames, as: kind)
        case .batch: return takeBatch(frames)
        case .control: return takeRequest(frames)
        case .config:
            do throws(DaemonError) {
                _ = try DaemonConfiguration(
                    text: String(decoding: frames[0], as: UTF8.self), path: "/etc/sluice/sluice.yaml")
                return .accepted
            } catch {
                return error.description.hasPrefix("/etc/sluice/sluice.yaml:") ? .refused : .wrong
            }
        }
    }

    private mutating func takeTimesteps(_ frames: [[UInt8]], as kind: FuzzKind) -> Mark {
        let id = frames.first ?? []
        let payload = frames.count > 1 ? frames[1] : []
        let header = frames.count > 2 ? frames[2] : []
        let (streams, timesteps) = (table.count, table.counters.timesteps)
        do throws(DropCause) {
            if kind == .binary {
                _ = unsafe try table.admit(
                    frames: frames.count, id: id.span, payload: payload.span.bytes, header: header.span.bytes)
            } else {
                try parsed.read(
                    kind == .json ? .json : .text, frames: frames.count, first: id.span, second: payload.span)
                _ = try table.admit(parsed)
            }
            try decide()
            return isReadable ? .accepted : .wrong
        } catch {
            table.countDrop(error)
            // With either of these causes, part of the message is accepted.
            if error == .tooLong || error == .paused { return .accepted }
            let isSame = table.count == streams && table.counters.timesteps == timesteps
            return isSame ? .refused : .wrong
        }
    }

    /// Processes a message of many streams as the daemon does, except that each entry is decided immediately.
    private mutating func takeBatch(_ frames: [[UInt8]]) -> Mark {
        let (streams, timesteps, known) = (table.count, table.counters.timesteps, dictionary)
        do throws(DropCause) {
            let first = frames.first ?? []
            let header = try BatchHeader(unsafe first.span.bytes)
            if header.kind == .dictionary {
                guard frames.count == StreamDictionary.frameCount else { throw .batch }
                let column = frames[1]
                dictionary = try StreamDictionary(header, column: column.span)
                return dictionary.isAnnounced(by: header, column: column.span) ? .accepted : .wrong
            }
            return try takeEntries(header, frames)
        } catch {
            table.countDrop(error)
            let isSame = table.count == streams && table.counters.timesteps == timesteps && dictionary == known
            return isSame ? .refused : .wrong
        }
    }

    private mutating func takeEntries(_ header: BatchHeader, _ frames: [[UInt8]]) throws(DropCause) -> Mark {
        guard BatchLayout.frameCounts.contains(frames.count) else { throw .batch }
        guard header.kind == .ids || header.dictionary == dictionary.hash else { throw .dictionary }
        let (streams, values) = (frames[1], frames[2])
        let sequences = frames.count > 3 ? frames[3] : []
        let flags = frames.count > 4 ? frames[4] : []
        let layout = unsafe try BatchLayout(
            header,
            BatchLayout.Frames(
                streams: streams.span.bytes, values: values.span.bytes, sequences: sequences.span.bytes,
                flags: flags.span.bytes))
        if header.kind == .numbers {
            try unsafe layout.check(numbersIn: streams.span.bytes, below: dictionary.count)
        }
        let entries = unsafe StreamTable.Entries(
            layout, streams: streams.span, values: values.span.bytes, sequences: sequences.span.bytes,
            flags: flags.span.bytes)
        let numbered = header.kind == .numbers ? NumberedStreams(dictionary) : nil
        var mark = Mark.accepted
        table.lookAhead(0..<layout.count, of: entries, numbered)
        for entry in 0..<layout.count where takeEntry(entry, of: entries, numbered) == .wrong { mark = .wrong }
        return mark
    }

    private mutating func takeEntry(
        _ entry: Int, of entries: borrowing StreamTable.Entries, _ numbered: NumberedStreams?
    ) -> Mark {
        let (streams, timesteps) = (table.count, table.counters.timesteps)
        do throws(DropCause) {
            if case .dropped(_, let cause) = table.admit(entry..<entry + 1, of: entries, numbered) { throw cause }
            try decide()
            return isReadable ? .accepted : .wrong
        } catch {
            table.countDrop(error)
            if error == .tooLong || error == .paused { return .accepted }
            return table.count == streams && table.counters.timesteps == timesteps ? .refused : .wrong
        }
    }

    /// Decides on the timesteps of the accepted message.
    private mutating func decide() throws(DropCause) {
        decided.removeAll()
        table.stepBatch()
        table.decideBatch(time: time, into: &decided)
        takeBacklog()
        table.recordHistory(decided)
        if decided.count > 0 { isReadable = decided.records.all.count == decided.records.count }
        if let drop = decided.drops.first { throw drop.cause }
    }

    private mutating func takeRequest(_ frames: [[UInt8]]) -> Mark {
        let (id, command) = ControlRequest.read(frames)
        do throws(ControlError) {
            let answer = try carryOut(try command.get())
            return ControlReply(id: id, outcome: .success(answer)).isWritten ? .accepted : .wrong
        } catch {
            return ControlReply<JSONValue>(id: id, outcome: .failure(error)).isWritten ? .refused : .wrong
        }
    }

    /// Returns the requested histories as text.
    private mutating func history(_ request: HistoryRequest) -> [String] {
        let limit = request.points ?? .max
        let copies: HistoryCopies
        switch request.streams {
        case .named(let ids): copies = table.histories(of: ids, limit: limit, time: time)
        case .recent(let count, let text, _):
            var search = HistorySearch(text: text, model: nil, limit: count)
            while !table.goOn(with: &search, count: 100) {}
            copies = table.histories(of: search, limit: limit, time: time)
        }
        return copies.answer(since: request.since).streams.map { "\($0)" }
    }

    /// Carries out a command on streams as the daemon does.
    private mutating func carryOut(_ command: ControlCommand) throws(ControlError) -> [String] {
        switch command {
        case .stream(let id):
            ["\(try answering { () throws(StreamsError) in try table.status(of: id, time: time).sequence })"]
        case .streams(let prefix, let after, let limit):
            table.page(prefix: prefix, after: after, limit: limit, time: time).streams.map(\.stream)
        case .history(let request): history(request)
        case .reset(let selection): ["\(try operate(.reset, on: selection))"]
        case .remove(let selection): ["\(try operate(.remove, on: selection))"]
        case .pause(let selection): ["\(try operate(.pause, on: selection))"]
        case .resume(let selection): ["\(try operate(.resume, on: selection))"]
        case .export(let id):
            try answering { () throws(StreamsError) in try table.copy(.stream(id)) }.images.map {
                StreamExport($0, model: "state").state
            }
        case .import(let stream, let id): try restore([try stream.image(as: id)])
        case .writeSnapshot(_, let streams):
            try restore(try streams.map { stream throws(ControlError) in try stream.image() })
        // The other commands concern the store or the daemon as a whole.
        default: []
        }
    }

    /// Carries out an operation, and then steps the timesteps that waited for it.
    private mutating func operate(
        _ operation: StreamOperation, on selection: ControlCommand.Selection
    ) throws(ControlError) -> Int {
        let count = try answering { () throws(StreamsError) in try table.begin(operation, on: selection) }
        while table.canSweep { _ = table.sweep(limit: .max) }
        takeBacklog()
        return count
    }

    private mutating func takeBacklog() {
        while table.hasBacklog {
            table.takeBacklog()
            table.stepBatch()
            table.decideBatch(time: time, into: &decided)
        }
    }

    private mutating func restore(_ images: [StreamImage]) throws(ControlError) -> [String] {
        try answering { () throws(StreamsError) in try table.restore(images) }
        return images.map(\.id)
    }
}
