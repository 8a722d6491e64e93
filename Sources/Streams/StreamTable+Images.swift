import Recurrent
public import Wire

/// What goes to the store and comes back from it.
extension StreamTable {
    /// The streams as they stand now, all copied in one go.
    ///
    /// - Parameter selection: Which streams.
    /// - Returns: A copy of each.
    /// - Throws: ``ControlError`` where the one stream named is not known.
    public func copy(_ selection: ControlCommand.Selection) throws(ControlError) -> StreamSlice {
        let slots = try slots(of: selection)
        var slice = emptySlice(capacity: slots.count)
        for slot in slots { copy(slot, into: &slice) }
        return slice
    }

    /// Copies streams that changed, as they stand now, and the keys of those that were removed. They count as unchanged
    /// from here on; whoever cannot store them says so with ``markChanged(_:)``.
    ///
    /// - Parameters:
    ///   - first: The least key to look at: 0 at first, then what the call before returned.
    ///   - limit: How many streams at most.
    /// - Returns: The copies, and where the next call begins; nil where this was the last.
    public mutating func copyChanged(from first: Int, limit: Int) -> (slice: StreamSlice, next: Int?) {
        var slice = emptySlice(capacity: min(limit, index.slots.count))
        var slot = changed.first(from: first)
        for _ in 0..<limit {
            guard let found = slot else { break }
            changed.remove(found)
            if index.isTaken(found) {
                copy(found, into: &slice)
            } else {
                slice.removedKeys.append(UInt32(found))
            }
            slot = changed.first(from: found + 1)
        }
        return (slice, slot)
    }

    /// Counts streams as changed again: they could not be stored.
    ///
    /// - Parameter slice: What could not be stored.
    public mutating func markChanged(_ slice: StreamSlice) {
        for entry in slice.entries { markChanged(Int(entry.key)) }
        for key in slice.removedKeys { markChanged(Int(key)) }
    }

    /// Puts streams as a start finds them in the store, into the slots that they had.
    ///
    /// - Parameter slice: Streams that the table does not have, in the order of their keys, all above those that came
    ///   before. One that no model takes any more is not served; nor is its key given to another.
    /// - Returns: How many are served.
    /// - Throws: ``ControlError``: `fingerprintDiffers` where a stream's state came from other weights.
    public mutating func load(_ slice: StreamSlice) throws(ControlError) -> Int {
        var served = 0
        for (number, entry) in slice.entries.enumerated() {
            let slot = Int(entry.key)
            guard let model = router.model(for: slice.id(number)) else {
                index.reserve(slot)
                continue
            }
            try check(slice.fingerprints[entry.weights], slice.values(number).count, of: slice.id(number), model)
            index.insert(slice.id(number), at: slot)
            var stream = Stream(model: model, row: pools[model].insert())
            pools[model].replace(stream.row, with: slice.values(number))
            stream.sequence = entry.sequence
            stream.step = entry.step
            stream.time = entry.time
            stream.label = entry.label
            stream.gapPending = entry.gapPending
            put(stream, at: slot)
            while loadedPositions.count < slot { loadedPositions.append(0) }
            loadedPositions.append(entry.position)
            skipPositions(through: entry.position)
            served += 1
        }
        return served
    }

    /// Puts streams as their images have them, all or none. Streams that are not among them stay as they are.
    ///
    /// - Parameter images: Each stream at most once.
    /// - Throws: ``ControlError``: `fingerprintDiffers` where an image's state came from other weights, or no model takes
    ///   the stream any more.
    public mutating func restore(_ images: [StreamImage]) throws(ControlError) {
        let models = try images.map { image throws(ControlError) in try model(for: image) }
        for (image, model) in zip(images, models) {
            let slot = index.find(image.id.utf8.span) ?? insert(image.id.utf8.span, model: model)
            recordPut(image, model: model)
            put(image, at: slot)
        }
    }

    mutating func put(_ image: StreamImage, at slot: Int) {
        pools[streams[slot].model].replace(streams[slot].row, with: image.values.span)
        streams[slot].sequence = image.sequence
        streams[slot].step = image.step
        streams[slot].time = image.time
        streams[slot].label = image.label
        streams[slot].gapPending = image.gapPending
        markChanged(slot)
    }

    private func emptySlice(capacity: Int) -> StreamSlice {
        StreamSlice(
            fingerprints: models.map(\.fingerprint), capacity: capacity, valuesPerStream: pools[0].valuesPerRow)
    }

    private func copy(_ slot: Int, into slice: inout StreamSlice) {
        let stream = streams[slot]
        let pool = pools[stream.model]
        slice.append(
            StreamSlice.Entry(
                key: UInt32(slot), weights: stream.model, sequence: stream.sequence, step: stream.step,
                time: stream.time, label: stream.label, gapPending: stream.gapPending, position: position),
            id: index.id(of: slot), values: pool.values(of: stream.row))
    }

    private func model(for image: StreamImage) throws(ControlError) -> Int {
        let known = index.find(image.id.utf8.span).map { streams[$0].model }
        guard let model = known ?? router.model(for: image.id.utf8.span) else {
            throw ControlError(
                .fingerprintDiffers,
                "stream '\(image.id)' fits no model's prefixes; serve the model that it belongs to")
        }
        try check(image.fingerprint, image.values.count, of: image.id.utf8.span, model)
        return model
    }

    /// Whether state goes with a model's weights.
    private func check(
        _ fingerprint: String, _ valueCount: Int, of id: Span<UInt8>, _ model: Int
    ) throws(ControlError) {
        let served = models[model]
        guard served.fingerprint == fingerprint, pools[model].valuesPerRow == valueCount else {
            throw ControlError(
                .fingerprintDiffers,
                "the state of stream '\(String(copying: id))' belongs to the weights \(fingerprint.prefix(12))…, but "
                    + "'\(served.name)' has \(served.fingerprint.prefix(12))…; serve the model file that it came from")
        }
    }
}
