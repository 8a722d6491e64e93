package import Wire

/// One row of the input: timesteps of one stream.
package struct InputRow: Equatable, Sendable {
    /// The stream's id.
    package var stream: String
    /// The timesteps' values, shape (timesteps, values).
    package var values: [Float]
    /// The number of timesteps.
    package var timesteps: Int
    /// The sequence number of the first timestep. If 0, the daemon continues its own count.
    package var sequence: UInt64
    /// The marks for the start and end of a sequence.
    package var flags: TimestepHeader.Flags
    /// The expected label of the sequence, if requested and present.
    package var label: Float?
    /// The weight of the sequence in training, if requested and present.
    var weight: Float?
    /// The value of the column that identifies the row's sequence, if there is such a column.
    var sequenceName: String?
    /// Whether the values are tokens, which are sent as integers.
    var areTokens = false
    /// Whether the values are a whole sequence that is not divided into timesteps yet. The division depends on the
    /// model.
    var isUndivided = false

    /// Creates a row.
    ///
    /// - Parameters:
    ///   - stream: The stream's id.
    ///   - values: The timesteps' values.
    ///   - timesteps: The number of timesteps.
    ///   - sequence: The sequence number of the first timestep. If 0, the daemon continues its own count.
    ///   - flags: The marks for the start and end of a sequence.
    package init(
        stream: String, values: [Float], timesteps: Int = 1, sequence: UInt64 = 0, flags: TimestepHeader.Flags = []
    ) {
        self.stream = stream
        self.values = values
        self.timesteps = timesteps
        self.sequence = sequence
        self.flags = flags
    }
}

extension InputRow {
    /// Divides an undivided row into timesteps, and checks that a model accepts them.
    ///
    /// - Parameters:
    ///   - features: The number of values in one timestep of the model.
    ///   - vocabulary: The size of the vocabulary, if a timestep is a token.
    ///   - place: The position of the row, for messages.
    /// - Throws: ``ClientError`` with the status `data` if the model does not accept the row.
    mutating func fit(features: Int, vocabulary: Int?, place: String) throws(ClientError) {
        if isUndivided {
            guard values.count.isMultiple(of: features) else {
                throw ClientError(
                    .data,
                    "\(place): the sequence has \(Quantity.count(values.count, of: "value")), which is not a multiple of "
                        + "the \(features) in a timestep of the model")
            }
            timesteps = values.count / features
            isUndivided = false
        }
        let count = values.count / max(1, timesteps)
        guard count == features else {
            throw ClientError(
                .data,
                "\(place): \(Quantity.count(count, of: "value")) in a timestep, but the model of the stream "
                    + "'\(stream)' takes \(features)")
        }
        guard let vocabulary else { return }
        for value in values where value != value.rounded() || value < 0 || value >= Float(vocabulary) {
            throw ClientError(
                .data, "\(place): \(value) is not a token: the model takes whole numbers from 0 to \(vocabulary - 1)")
        }
    }
}

extension InputRow {
    /// Splits the row into messages of bounded size.
    ///
    /// - Parameter limit: The maximum number of values in a message. A message of one timestep may have more.
    /// - Returns: The messages in order.
    func parts(limit: Int) -> [InputRow] {
        guard values.count > limit, timesteps > 1 else { return [self] }
        let width = values.count / timesteps
        let length = max(1, limit / width)
        return stride(from: 0, to: timesteps, by: length).map { first in
            var part = self
            part.timesteps = min(length, timesteps - first)
            part.values = Array(values[(first * width)..<((first + part.timesteps) * width)])
            if sequence != 0 { part.sequence = sequence &+ UInt64(first) }
            if first > 0 { part.flags.remove(.start) }
            if first + part.timesteps < timesteps { part.flags.remove(.end) }
            return part
        }
    }
}

/// Detects where sequences start: in each stream, at every row where the value of a given column changes.
struct SequenceStarts {
    private var last: [StreamKey: [UInt8]] = [:]

    /// Records a row. Returns whether the row starts a sequence: it is the stream's first row, or its value differs
    /// from that of the stream's previous row.
    mutating func record(stream: String, value: [UInt8]) -> Bool {
        let key = StreamKey(stream)
        guard last[key] != value else { return false }
        last[key] = value
        return true
    }
}
