import Recurrent
public import Wire

/// What goes to the store and comes back from it.
extension StreamTable {
    /// The streams as they stand now.
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
    /// - Throws: ``ControlError``: `fingerprintDiffers` where an image's state came from other weights, or no model takes
    ///   the stream any more.
    public mutating func restore(_ images: [StreamImage], areStored: Bool) throws(ControlError) {
        let models = try images.map { image throws(ControlError) in try model(for: image) }
        for (image, model) in zip(images, models) {
            let slot = index.find(image.id.utf8.span) ?? insert(image.id, model: model)
            pools[model].replace(streams[slot].row, with: image.values.span)
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

    private func image(_ slot: Int) -> StreamImage? {
        guard let id = index.id(of: slot) else { return nil }
        let stream = streams[slot]
        let pool = pools[stream.model]
        return StreamImage(
            id: id, fingerprint: models[stream.model].fingerprint, sequence: stream.sequence, step: stream.step,
            time: stream.time, label: stream.label, gapPending: stream.gapPending,
            values: Array(copying: pool.values(of: stream.row)))
    }

    private func model(for image: StreamImage) throws(ControlError) -> Int {
        let known = index.find(image.id.utf8.span).map { streams[$0].model }
        guard let model = known ?? router.model(for: image.id.utf8.span) else {
            throw ControlError(
                .fingerprintDiffers,
                "stream '\(image.id)' fits no model's prefixes; serve the model that it belongs to")
        }
        let served = models[model]
        guard served.fingerprint == image.fingerprint, pools[model].valuesPerRow == image.values.count else {
            throw ControlError(
                .fingerprintDiffers,
                "the state of stream '\(image.id)' belongs to the weights \(image.fingerprint.prefix(12))…, but "
                    + "'\(served.name)' has \(served.fingerprint.prefix(12))…; serve the model file that it came from")
        }
        return model
    }
}
