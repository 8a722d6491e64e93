import Wire

/// The routing of streams to the daemon's models. The longest matching prefix decides.
struct ModelRoutes {
    private let models: [DaemonStatus.Model]

    init(_ models: [DaemonStatus.Model]) {
        self.models = models
    }

    /// Returns the model for a stream; nil if no prefix matches.
    func model(for stream: String) -> DaemonStatus.Model? {
        var best: (model: DaemonStatus.Model, length: Int)?
        for model in models {
            // Compare bytes, as the daemon does. "é" has two encodings, which are equal as Swift strings.
            for prefix in model.prefixes where stream.utf8.starts(with: prefix.utf8) {
                if prefix.utf8.count > best?.length ?? -1 { best = (model, prefix.utf8.count) }
            }
        }
        return best?.model
    }

    /// Returns the model for a stream.
    ///
    /// - Parameters:
    ///   - stream: The stream's id.
    ///   - place: The position in the input, for the error.
    /// - Returns: The model.
    /// - Throws: ``ClientError`` if no model serves the stream.
    func model(for stream: String, place: String) throws(ClientError) -> DaemonStatus.Model {
        guard let model = model(for: stream) else {
            let prefixes = models.flatMap(\.prefixes).map { "'\($0)'" }.joined(separator: ", ")
            throw ClientError(
                .data, "\(place): the daemon has no model for the stream '\(stream)'; its prefixes are \(prefixes)")
        }
        return model
    }
}
