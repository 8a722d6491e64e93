import Store
import Streams
import Wire

/// Carries out control requests about streams that may be hibernating, and requests that move streams between daemons.
extension HotLoop {
    /// Answers with the status of streams. The last outputs of hibernating streams are read from the store.
    mutating func report<Answer: Codable & Sendable>(
        _ streams: [StreamStatus], for address: ControlServer.ReturnAddress,
        _ answer: @escaping @Sendable ([StreamStatus]) -> Answer
    ) {
        let models = table.models
        let stored = streams.indices.filter { index in
            let stream = streams[index]
            return stream.asleep && models.first { $0.name == stream.model }?.hasOutputs(at: stream.step) ?? false
        }
        let asleep = table.keys(of: stored.map { streams[$0].stream })
        guard !asleep.isEmpty else {
            return streams.count > 1
                ? replyBeside(to: address) { answer(streams) } : reply(.success(answer(streams)), to: address)
        }
        let outputs = Dictionary(uniqueKeysWithValues: models.map { ($0.name, $0.model.outputs) })
        startStoreJob(for: address) { store throws(StoreError) in
            // The keys are bytes, because `String` treats two Unicode spellings of the same character as equal,
            // although they name different streams.
            Dictionary(
                try store.streams(asleep).images.map { (Array($0.id.utf8), $0.values) }, uniquingKeysWith: { $1 })
        } beside: { _, values in
            {
                var streams = streams
                for index in stored {
                    let last = values[Array(streams[index].stream.utf8)]?.suffix(outputs[streams[index].model] ?? 0)
                    streams[index].probability = StreamStatus.Probability(Array(last ?? [.nan]))
                }
                return answer(streams)
            }
        }
    }

    mutating func reset(_ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress) {
        whenAwake(.selection(selection)) { loop, awake in
            loop.whenTableIsFree { loop in
                do throws(ControlError) {
                    try awake.get()
                    try loop.requireDurability()
                    try loop.begin(.reset, on: selection, event: .reset) { loop, count in
                        loop.replyWhenDurable(ResetResult(reset: count), to: address)
                    }
                } catch {
                    loop.reply(Result<JSONValue, ControlError>.failure(error), to: address)
                }
            }
        }
    }

    mutating func readSnapshot(
        _ name: String, after: String?, limit: Int, for address: ControlServer.ReturnAddress
    ) {
        startStoreJob(for: address) { store throws(StoreError) -> StreamPage<StreamExport> in
            let page = try store.page(ofSnapshot: name, after: after, limit: limit)
            let streams = page.slice.images.map { StreamExport($0, model: "") }
            return StreamPage<StreamExport>(streams: streams, next: page.next)
        } beside: { loop, page in
            let models = page.streams.map { loop.table.modelName(for: $0.stream) ?? "" }
            return {
                var page = page
                for (index, model) in models.enumerated() { page.streams[index].model = model }
                return page
            }
        }
    }

    mutating func writeSnapshot(
        _ name: String, _ images: [StreamImage], for address: ControlServer.ReturnAddress
    ) {
        let now = WallClock.now()
        startWriteJob(for: address) { store throws(StoreError) in
            try store.add(images, toSnapshot: name, time: now)
        } then: { _, _ in
            WriteSnapshotResult(streams: images.count)
        }
    }

    mutating func export(_ id: String, for address: ControlServer.ReturnAddress) throws(ControlError) {
        let (model, copy) = try answering { () throws(StreamsError) in
            (try table.status(of: id, time: 0).model, try table.copy(.stream(id)))
        }
        if let image = copy.images.first {
            return replyBeside(to: address) { StreamExport(image, model: model) }
        }
        let key = table.keys(of: [id])
        startStoreJob(for: address) { store throws(StoreError) in
            try store.streams(key)
        } beside: { _, streams in
            { () throws(ControlError) in
                guard let image = streams.images.first else {
                    throw ControlError(.storeFailed, "the state of stream '\(id)' is missing in the store")
                }
                return StreamExport(image, model: model)
            }
        }
    }

    /// Adds a stream from an export.
    mutating func importStream(
        _ image: StreamImage, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        guard (try? table.status(of: image.id, time: 0)) == nil else {
            throw ControlError(
                .invalidParams, "stream '\(image.id)' exists already; remove it first, or give another id as 'as'")
        }
        try requireDurability()
        let now = WallClock.now()
        try answering { () throws(StreamsError) in try table.restore([image]) }
        announce(StreamEvent(.restored, .stream(image.id), time: now))
        replyWhenDurable(ImportResult(stream: image.id), to: address)
    }
}
