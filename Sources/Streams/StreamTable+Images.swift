import Recurrent
public import Wire

/// What goes to the store and comes back from it.
extension StreamTable {
    /// The streams as they stand now, but for those that are asleep: the store has them.
    ///
    /// - Parameter selection: Which streams.
    /// - Returns: An image of each.
    /// - Throws: ``ControlError`` where the one stream named is not known.
    public func images(of selection: ControlCommand.Selection) throws(ControlError) -> [StreamImage] {
        try slots(of: selection).compactMap { image($0) }
    }

    /// The streams that changed since the last call, as they stand now. They count as unchanged from here on; whoever
    /// cannot store them says so with ``markChanged(_:)``.
    public mutating func takeChanged() -> [StreamImage] {
        let images = dirtySlots.compactMap { image($0) }
        for slot in dirtySlots { streams[slot].isDirty = false }
        dirtySlots.removeAll(keepingCapacity: true)
        return images
    }

    /// Counts streams as changed again, where they are still there: their images could not be stored.
    ///
    /// - Parameter images: What could not be stored.
    public mutating func markChanged(_ images: [StreamImage]) {
        for image in images {
            if let slot = index.find(image.id.utf8.span) { markChanged(slot) }
        }
    }

    /// Puts streams as their images have them, all or none. Streams that are not among them stay as they are.
    ///
    /// - Parameters:
    ///   - images: Each stream at most once.
    ///   - areStored: The images come from the last checkpoint, so that the next need not write them again.
    ///   - time: Nanoseconds since the Unix epoch: they count as idle from then on. Nil: from their last timestep on.
    /// - Throws: ``ControlError``: `fingerprintDiffers` where an image's state came from other weights, its values are not
    ///   as many as they must be, or no model takes the stream any more; `refusedInMode` where it comes from a mode that
    ///   remembers something else, or there would be more streams than may be.
    public mutating func restore(
        _ images: [StreamImage], areStored: Bool, time: Int64? = nil
    ) throws(ControlError) {
        let models = try images.map { image throws(ControlError) in try model(for: image) }
        if !areStored { try checkRoom(for: images) }
        for (image, model) in zip(images, models) {
            let slot = index.find(image.id.utf8.span) ?? insert(image.id, model: model)
            if streams[slot].isAsleep { giveRow(slot) }
            restoreTimes[slot] = time
            faulty.remove(slot)
            memories[model].replace(streams[slot].row, with: image.values)
            streams[slot].sequence = image.sequence
            streams[slot].step = image.step
            streams[slot].time = image.time
            streams[slot].label = image.label
            streams[slot].gapPending = image.gapPending
            if !areStored { markChanged(slot) }
        }
    }

    /// Which model a stream would go to.
    ///
    /// - Parameter id: The stream's id.
    /// - Returns: The model, or nil where none takes the stream.
    public func route(_ id: String) -> ServedModel? {
        router.model(for: id.utf8.span).map { models[$0] }
    }

    private func checkRoom(for images: [StreamImage]) throws(ControlError) {
        guard let maximumStreams else { return }
        let new = images.count { index.find($0.id.utf8.span) == nil }
        guard new == 0 || count + new <= maximumStreams else {
            throw ControlError(
                .refusedInMode,
                "there would be \(count + new) streams, and --max-streams allows \(maximumStreams); remove some, or "
                    + "restore fewer")
        }
    }

    private func image(_ slot: Int) -> StreamImage? {
        guard !streams[slot].isAsleep, let id = index.id(of: slot) else { return nil }
        let stream = streams[slot]
        return StreamImage(
            id: id, fingerprint: models[stream.model].imageFingerprint, sequence: stream.sequence, step: stream.step,
            time: stream.time, label: stream.label, gapPending: stream.gapPending,
            values: memories[stream.model].values(of: stream.row))
    }

    func model(for image: StreamImage) throws(ControlError) -> Int {
        let known = index.find(image.id.utf8.span).map { streams[$0].model }
        guard let model = known ?? router.model(for: image.id.utf8.span) else {
            throw ControlError(
                .fingerprintDiffers,
                "stream '\(image.id)' fits no model's prefixes; serve the model that it belongs to")
        }
        let served = models[model]
        let weights = image.fingerprint.prefix { $0 != ":" }
        guard weights == served.fingerprint else {
            throw ControlError(
                .fingerprintDiffers,
                "the state of stream '\(image.id)' belongs to the weights \(weights.prefix(12))…, but "
                    + "'\(served.name)' has \(served.fingerprint.prefix(12))…; serve the model file that it came from")
        }
        guard image.fingerprint == served.imageFingerprint else {
            let kept = image.fingerprint.dropFirst(weights.count + 1)
            throw ControlError(
                .refusedInMode,
                "what is stored of stream '\(image.id)' is \(kept.isEmpty ? "a state" : "the timesteps of a \(kept)"), "
                    + "which '\(served.name)' cannot go on from in the mode \(served.policy.mode); serve it as before")
        }
        guard memories[model].fits(image, of: served) else {
            throw ControlError(
                .fingerprintDiffers,
                "what is stored of stream '\(image.id)' has \(image.values.count) values, which do not make a state of "
                    + "'\(served.name)' at step \(image.step); restore another snapshot")
        }
        return model
    }
}
