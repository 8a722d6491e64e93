package import Wire

extension StreamExport {
    /// Creates the portable form of a stream, for another daemon.
    ///
    /// - Parameters:
    ///   - image: The stream.
    ///   - model: The name of the stream's model.
    package init(_ image: StreamImage, model: String) {
        self.init(
            stream: image.id, model: model, fingerprint: image.fingerprint, sequence: image.sequence, step: image.step,
            time: image.time, label: image.label, gapPending: image.gapPending, state: Self.encodeState(image.values))
    }

    /// Converts the portable form of a stream to an image.
    ///
    /// - Parameter id: The id of the new stream; nil to keep the exported id.
    /// - Returns: The image, which may not fit any model.
    /// - Throws: ``ControlError`` if the state is not base64, or does not decode to whole float32 values.
    package func image(as id: String? = nil) throws(ControlError) -> StreamImage {
        guard let values = decodeState() else {
            throw ControlError(
                .invalidParams, "the 'state' of stream '\(stream)' is not base64 of whole float32 values")
        }
        return StreamImage(
            id: id ?? stream, fingerprint: fingerprint, sequence: sequence, step: step, time: time, label: label,
            gapPending: gapPending, values: values)
    }
}
