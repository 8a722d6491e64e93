import Recurrent
public import Wire

/// Copies streams for the store, and loads or restores them.
extension StreamTable {
    /// The size of the values, in bytes, at which a slice is full.
    private static let bytesPerSlice = 4 << 20

    /// Copies streams in their current state, all at once. Hibernating streams are left out, because the store has
    /// them.
    ///
    /// - Parameter selection: The streams.
    /// - Returns: The copies.
    /// - Throws: ``StreamsError`` if a single stream is selected and is unknown.
    public func copy(_ selection: ControlCommand.Selection) throws(StreamsError) -> StreamSlice {
        let slots = try slots(of: selection)
        var slice = emptySlice(capacity: slots.count)
        for slot in slots where !streams[slot].isAsleep { copy(slot, into: &slice) }
        return slice
    }

    /// Copies changed streams in their current state. From then on, the copied streams count as unchanged; if they
    /// cannot be stored, call ``markChanged(_:)``.
    ///
    /// The keys of all removed streams are returned before any copies. Otherwise, a stream that was removed and then
    /// created again could be in the store twice, under its old and its new key.
    ///
    /// - Parameters:
    ///   - first: The first slot to visit: 0 in the first call, later `next` of the previous call.
    ///   - limit: The maximum number of streams to return, and the maximum number of keys. Fewer streams are returned
    ///     if they keep many timesteps.
    /// - Returns: The copies, and the first slot for the next call; nil after the last call.
    public mutating func copyChanged(from first: Int, limit: Int) -> (slice: StreamSlice, next: Int?) {
        let removedKeys = removed.take(limit)
        guard removed.first(from: 0) == nil else {
            var slice = emptySlice()
            slice.removedKeys = removedKeys
            return (slice, first)
        }
        var slice = emptySlice(capacity: min(limit, index.slots.count))
        slice.removedKeys = removedKeys
        var slot = changed.first(from: first)
        for _ in 0..<limit {
            guard let found = slot, slice.byteCount < Self.bytesPerSlice else { break }
            // The copy must include every change that was recorded before the copy is made.
            if isSweeping { reach(found) }
            // A faulty stream stays marked as changed until its last checkpoint has been read. A stream that has yet to
            // be restored stays marked until it is restored.
            if !doomed.contains(found) && !hibernation.isFaulty(found) && !isToBeRestored(found) {
                if changed.contains(found), !streams[found].isAsleep { copy(found, into: &slice) }
                changed.remove(found)
            }
            slot = changed.first(from: found + 1)
        }
        return (slice, slot)
    }

    /// Whether any stream is waiting for its last checkpoint to be read. Until then, no checkpoint can be complete.
    public var hasFaulty: Bool { hibernation.hasFaulty }

    /// Marks the streams of a slice as changed again, because they could not be stored.
    ///
    /// - Parameter slice: The slice that could not be stored.
    public mutating func markChanged(_ slice: StreamSlice) {
        for key in slice.entries.map(\.key) + slice.removedKeys where index.isTaken(Int(key)) {
            markChanged(Int(key))
        }
        for key in slice.removedKeys { removed.insert(Int(key)) }
    }

    /// Marks all streams as changed, because the store has lost all of them. Hibernating streams are left out, because
    /// their state is not in memory.
    public mutating func markAllChanged() {
        for slot in index.slots where index.isTaken(slot) && !streams[slot].isAsleep { markChanged(slot) }
    }

    /// Loads streams from the store into their former slots during startup.
    ///
    /// - Parameters:
    ///   - slice: Streams that the table does not have yet, ordered by key. The keys must be higher than all keys of
    ///     earlier calls. A stream that no model serves is skipped, and its key is not reused.
    ///   - choice: The treatment of state that belongs to other weights.
    ///   - layouts: The ``ServedModel/stateLayout`` for each known fingerprint.
    /// - Returns: The number of streams that are served.
    /// - Throws: ``StreamsError`` with the cause `otherState` or `mode`, as in ``restore(_:)``, or `cannotContinue` if
    ///   the state cannot continue with other weights.
    public mutating func load(
        _ slice: StreamSlice, _ choice: OtherWeights = .refuse, layouts: [String: String] = [:]
    ) throws(StreamsError) -> Int {
        var served = 0
        for (number, entry) in slice.entries.enumerated() {
            let slot = Int(entry.key)
            guard let model = router.model(for: slice.id(number)) else {
                index.reserve(slot)
                continue
            }
            let fingerprint = slice.fingerprints[entry.weights]
            let adapted = try adapted(slice, number, to: model, choice, layout: layouts[fingerprint])
            if adapted == nil {
                try check(
                    fingerprint, slice.values(number).count, step: entry.step, of: slice.id(number), model)
            }
            index.insert(slice.id(number), at: slot)
            var stream = Stream(model: model, row: memories[model].insert(), phase)
            if adapted == nil { memories[model].replace(stream.row, with: slice.values(number)) }
            stream.sequence = entry.sequence
            stream.step = entry.step
            stream.time = entry.time
            stream.label = entry.label
            stream.gapPending = entry.gapPending
            put(stream, at: slot)
            if let adapted { put(adapted, at: slot) }
            replay.load(slot, through: entry.position)
            journal.skip(through: entry.position)
            served += 1
        }
        return served
    }

    /// Restores streams from images: either all of them or none. All other streams remain unchanged.
    ///
    /// - Parameter images: The images, at most one for each stream.
    /// - Throws: ``StreamsError`` with the cause `otherState` if an image belongs to other weights, has an unsuitable
    ///   number of values or contains a value that is not finite, or if no model serves the stream; `mode` if the image
    ///   is from a mode that keeps other data; `tooManyStreams` if there would be too many streams.
    public mutating func restore(_ images: [StreamImage]) throws(StreamsError) {
        let models = try images.map { image throws(StreamsError) in try model(for: image) }
        try checkRoom(forNew: maximumStreams == nil ? 0 : images.count { index.find($0.id.utf8.span) == nil })
        for (image, model) in zip(images, models) {
            let slot = index.find(image.id.utf8.span) ?? insert(image.id.utf8.span, model: model)
            if streams[slot].isAsleep { giveRow(slot) }
            goOn(slot)
            hibernation.clearFault(slot)
            journal.recordPut(image, model: model)
            put(image, at: slot)
            history.mark(.restored, of: slot, at: history.time)
        }
    }

    mutating func put(_ image: StreamImage, at slot: Int) {
        memories[streams[slot].model].replace(streams[slot].row, with: image.values.span)
        streams[slot].sequence = image.sequence
        streams[slot].step = image.step
        streams[slot].time = image.time
        streams[slot].label = image.label
        streams[slot].gapPending = image.gapPending
        streams[slot].isSeenIdle = false
        markChanged(slot)
    }

    func checkRoom(forNew new: Int) throws(StreamsError) {
        guard let maximumStreams, new > 0, count + new > maximumStreams else { return }
        throw StreamsError(
            .tooManyStreams,
            "there would be \(count + new) streams, and the limit is \(maximumStreams); remove some, or restore fewer")
    }

    func emptySlice(capacity: Int = 0) -> StreamSlice {
        let values = memories.map(\.usualValuesPerRow).max() ?? 0
        return StreamSlice(
            fingerprints: models.map(\.imageFingerprint), capacity: capacity, valuesPerStream: values)
    }

    func copy(_ slot: Int, into slice: inout StreamSlice) {
        let stream = streams[slot]
        let entry = StreamSlice.Entry(
            key: UInt32(slot), weights: stream.model, sequence: stream.sequence, step: stream.step,
            time: stream.time, label: stream.label, gapPending: stream.gapPending, position: journal.position)
        switch memories[stream.model] {
        case .state(let steps):
            let pool = steps.pool
            slice.append(entry, id: index.id(of: slot), values: pool.values(of: stream.row))
        case .timesteps(let buffers):
            slice.append(entry, id: index.id(of: slot), values: buffers.values(of: stream.row).span)
        }
    }

    func model(for image: StreamImage) throws(StreamsError) -> Int {
        let known = index.find(image.id.utf8.span).map { streams[$0].model }
        guard let model = known ?? router.model(for: image.id.utf8.span) else {
            throw StreamsError(
                .otherState,
                "stream '\(image.id)' fits no model's prefixes; serve the model that it belongs to")
        }
        try check(image.fingerprint, image.values.count, step: image.step, of: image.id.utf8.span, model)
        guard image.isSound(outputs: models[model].model.outputs) else {
            throw StreamsError(
                .otherState,
                "the state of stream '\(image.id)' holds a NaN or an infinity; restore one that was taken before")
        }
        return model
    }

    /// Checks that stored data fits a model and the mode in which it is served.
    private func check(
        _ fingerprint: String, _ valueCount: Int, step: UInt64, of id: Span<UInt8>, _ model: Int
    ) throws(StreamsError) {
        let served = models[model]
        guard served.imageFingerprint == fingerprint else {
            throw misfit(fingerprint, of: String(copying: id), to: served)
        }
        guard memories[model].fits(valueCount, at: step, of: served) else {
            throw StreamsError(
                .otherState,
                "what is stored of stream '\(String(copying: id))' has \(valueCount) values, which do not make a state of "
                    + "'\(served.name)' at step \(step); restore another snapshot")
        }
    }

    private func misfit(_ fingerprint: String, of id: String, to served: ServedModel) -> StreamsError {
        let weights = fingerprint.prefix { $0 != ":" }
        guard weights == served.fingerprint else {
            return StreamsError(
                .otherState,
                "the state of stream '\(id)' belongs to the weights \(weights.prefix(12))…, but "
                    + "'\(served.name)' has \(served.fingerprint.prefix(12))…; serve the model file that it came from")
        }
        let kept = fingerprint.dropFirst(weights.count + 1)
        return StreamsError(
            .mode,
            "what is stored of stream '\(id)' is \(kept.isEmpty ? "a state" : "the timesteps of a \(kept)"), "
                + "which '\(served.name)' cannot go on from in the mode \(served.policy.mode); serve it as before")
    }
}
