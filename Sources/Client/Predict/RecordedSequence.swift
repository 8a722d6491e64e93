import Recurrent

/// One sequence of a file: what the model is given from the zero state to the answer.
struct RecordedSequence: Equatable, Sendable {
    /// The stream's id.
    let stream: String
    /// Timesteps side by side, shape (timesteps, features).
    var values: [Float] = []
    /// How many timesteps there are, at least 1.
    var timesteps = 0
    /// The class that the model should give, where the last row tells.
    var label: Int?
}

/// Puts a file's rows together to sequences: the rows of one stream in their order, those of other streams between them
/// or not, from one start or end to the next.
struct SequenceCollector {
    /// The sequences, in the order of their first rows.
    private(set) var sequences: [RecordedSequence] = []
    /// Their timesteps together.
    private(set) var timesteps = 0
    /// Whether any row had a label.
    private(set) var hasLabels = false

    private let model: Model
    private let longest: Int?
    private let loss: Loss?
    /// Which sequence a stream's next row goes on with.
    private var open: [StreamKey: Int] = [:]
    /// The number that a stream's next timestep has, where the rows are numbered.
    private var numbers: [StreamKey: UInt64] = [:]

    /// No sequences yet.
    ///
    /// - Parameters:
    ///   - model: What the timesteps must fit.
    ///   - longest: Timesteps that a sequence may have; nil: any number.
    ///   - loss: What the labels must fit; nil: they are set aside.
    init(model: Model, longest: Int?, loss: Loss?) {
        self.model = model
        self.longest = longest
        self.loss = loss
    }

    /// Adds a row.
    ///
    /// - Parameters:
    ///   - reading: What the row says.
    ///   - place: Where it stands, for messages.
    /// - Throws: ``ClientError`` with the status `data` where the row does not fit the model, or is not its stream's next.
    mutating func add(_ reading: Reading, place: String) throws(ClientError) {
        try reading.check(features: model.features, vocabulary: model.vocabulary, place: place)
        let key = StreamKey(reading.stream)
        try checkNumber(of: reading, key: key, place: place)
        if reading.flags.contains(.start) { open[key] = nil }
        let index = open[key] ?? sequences.endIndex
        if index == sequences.endIndex { sequences.append(RecordedSequence(stream: reading.stream)) }
        sequences[index].values += reading.values
        sequences[index].timesteps += reading.timesteps
        timesteps += reading.timesteps
        sequences[index].label = try label(of: reading, place: place)
        hasLabels = hasLabels || reading.label != nil
        if let longest, sequences[index].timesteps > longest {
            throw ClientError(
                .data,
                "\(place): the sequence of the stream '\(reading.stream)' is longer than the "
                    + "\(Quantity.count(longest, of: "timestep")) that the model takes")
        }
        open[key] = reading.flags.contains(.end) ? nil : index
    }

    /// Rows that are numbered must go on from one another: one that is missing, or there twice, changes the answer.
    private mutating func checkNumber(
        of reading: Reading, key: StreamKey, place: String
    ) throws(ClientError) {
        let next = numbers[key]
        if let next, reading.sequence != 0, reading.sequence != next {
            throw ClientError(
                .data,
                "\(place): timestep \(reading.sequence) of the stream '\(reading.stream)', where \(next) comes next")
        }
        guard reading.sequence != 0 || next != nil else { return }
        numbers[key] = (next ?? reading.sequence) &+ UInt64(reading.timesteps)
    }

    private func label(of reading: Reading, place: String) throws(ClientError) -> Int? {
        guard let loss, let label = reading.label else { return nil }
        guard label == label.rounded(), label >= 0, label < Float(loss.classes) else {
            throw ClientError(
                .data, "\(place): the label \(label) is no class of the model, which has 0 to \(loss.classes - 1)")
        }
        return Int(label)
    }
}
