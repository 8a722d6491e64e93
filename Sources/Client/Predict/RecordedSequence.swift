import Recurrent

/// One sequence of a file: the model's input from the zero state to the answer.
struct RecordedSequence: Equatable, Sendable {
    /// The stream's id.
    let stream: String
    /// The sequence's name, if a column of the file identifies the sequences.
    var name: String?
    /// The timesteps' values, shape (timesteps, features).
    var values: [Float] = []
    /// The number of timesteps, at least 1.
    var timesteps = 0
    /// The label of the last row, if the row has one: a class, or any number if the model's outputs are numbers.
    var label: Float?
    /// The label of each timestep, or NaN for a timestep without a label; empty if only the last label is kept.
    var labels: [Float] = []
    /// The training weight in the last row, if the row has one.
    var weight: Float?
}

/// Collects a file's rows into sequences. A sequence consists of consecutive rows of one stream, from one start or end
/// to the next. Rows of other streams may come in between.
struct SequenceCollector {
    /// The sequences, in the order of their first rows.
    private(set) var sequences: [RecordedSequence] = []
    /// The total number of timesteps.
    private(set) var timesteps = 0
    /// Whether any row had a label.
    private(set) var hasLabels = false

    private let features: Int?
    private let vocabulary: Int?
    private let longest: Int?
    private let length: Int?
    private let loss: Loss?
    private let keepsLabels: Bool
    /// The index of each stream's open sequence, which the stream's next row continues.
    private var open: [StreamKey: Int] = [:]
    /// The sequence number of each stream's next timestep, if the rows have sequence numbers.
    private var numbers: [StreamKey: UInt64] = [:]

    /// Creates an empty collection.
    ///
    /// - Parameters:
    ///   - model: The model that the timesteps must fit.
    ///   - longest: The maximum number of timesteps in a sequence; nil for no limit.
    ///   - length: The number of timesteps after which a sequence ends by itself; nil if only the rows end sequences.
    ///   - loss: The loss that the labels must fit; nil to ignore labels.
    ///   - keepsLabels: Whether to keep a label for each timestep, namely the label of its row.
    init(model: Model, longest: Int?, length: Int? = nil, loss: Loss?, keepsLabels: Bool = false) {
        self.init(
            features: model.features, vocabulary: model.vocabulary, longest: longest, length: length, loss: loss,
            keepsLabels: keepsLabels)
    }

    /// Creates an empty collection of sequences for a model that does not exist yet. `features` is the number of values
    /// in each timestep; nil to use the number in the first row. `vocabulary` is the size of the vocabulary, if a
    /// timestep is a token.
    init(
        features: Int?, vocabulary: Int?, longest: Int?, length: Int? = nil, loss: Loss?, keepsLabels: Bool = false
    ) {
        self.features = features
        self.vocabulary = vocabulary
        self.longest = longest
        self.length = length
        self.loss = loss
        self.keepsLabels = keepsLabels
    }

    /// Adds a row.
    ///
    /// - Parameters:
    ///   - row: The row.
    ///   - place: The row's position, for messages.
    /// - Throws: ``ClientError`` with the status `data` if the row does not fit the model, or is not the next row of
    ///   its stream.
    mutating func add(_ row: InputRow, place: String) throws(ClientError) {
        var row = row
        let width =
            features ?? sequences.first.map { $0.values.count / $0.timesteps } ?? row.values.count / row.timesteps
        try row.fit(features: width, vocabulary: vocabulary, place: place)
        let key = StreamKey(row.stream)
        try checkNumber(of: row, key: key, place: place)
        if row.flags.contains(.start) { open[key] = nil }
        let label = try label(of: row, place: place)
        let weight = try weight(of: row, place: place)
        hasLabels = hasLabels || row.label != nil
        timesteps += row.timesteps
        var rest = row.values[...]
        while true {
            let index = append(&rest, of: row, key: key)
            sequences[index].label = label
            sequences[index].weight = weight
            if keepsLabels {
                let new = sequences[index].timesteps - sequences[index].labels.count
                sequences[index].labels += repeatElement(label ?? .nan, count: new)
            }
            try checkLength(of: sequences[index], place: place)
            if rest.isEmpty { break }
        }
        if row.flags.contains(.end) { open[key] = nil }
    }

    /// Adds a row's remaining values to the open sequence of its stream, and stops when the sequence ends by itself.
    ///
    /// - Returns: The sequence's index.
    private mutating func append(_ rest: inout ArraySlice<Float>, of row: InputRow, key: StreamKey) -> Int {
        let index = open[key] ?? sequences.endIndex
        if index == sequences.endIndex {
            sequences.append(RecordedSequence(stream: row.stream, name: row.sequenceName))
        }
        let features = row.values.count / row.timesteps
        let room = length.map { ($0 - sequences[index].timesteps) * features } ?? rest.count
        let values = rest.prefix(room)
        rest = rest.dropFirst(room)
        sequences[index].values += values
        sequences[index].timesteps += values.count / features
        open[key] = sequences[index].timesteps == length ? nil : index
        return index
    }

    private func checkLength(of sequence: RecordedSequence, place: String) throws(ClientError) {
        guard let longest, sequence.timesteps > longest else { return }
        throw ClientError(
            .data,
            "\(place): the sequence of stream '\(sequence.stream)' is longer than the "
                + "\(Quantity.count(longest, of: "timestep")) that the model takes; divide it with --sequence-by, or "
                + "with --mode sequence")
    }

    /// Checks that numbered rows are consecutive. A missing or repeated row would change the answer.
    private mutating func checkNumber(
        of row: InputRow, key: StreamKey, place: String
    ) throws(ClientError) {
        let next = numbers[key]
        if let next, row.sequence != 0, row.sequence != next {
            throw ClientError(
                .data,
                "\(place): stream '\(row.stream)' has timestep \(row.sequence), but \(next) comes next")
        }
        guard row.sequence != 0 || next != nil else { return }
        numbers[key] = (next ?? row.sequence) &+ UInt64(row.timesteps)
    }

    private func label(of row: InputRow, place: String) throws(ClientError) -> Float? {
        guard let label = row.label else { return nil }
        return try checked(label, place: place)
    }

    private func weight(of row: InputRow, place: String) throws(ClientError) -> Float? {
        guard let weight = row.weight, !(weight >= 0) else { return row.weight }
        throw ClientError(.data, "\(place): the weight \(weight) is below 0; give 0 to leave out a sequence")
    }

    /// Assigns the labels of a separate file to the sequences.
    ///
    /// - Parameter file: The labels in the order of the sequences.
    /// - Throws: ``ClientError`` with the status `data` if there are more or fewer labels than sequences, or if a label
    ///   does not fit the model.
    mutating func add(_ file: LabelFile) throws(ClientError) {
        guard file.labels.count == sequences.count else {
            throw ClientError(
                .data,
                "\(file.name): \(Quantity.count(file.labels.count, of: "label")), but "
                    + "\(Quantity.count(sequences.count, of: "sequence")) in the data")
        }
        hasLabels = true
        for (index, label) in file.labels.enumerated() {
            let label = try checked(label, place: "\(file.name), label \(index + 1)")
            sequences[index].label = label
            if keepsLabels {
                sequences[index].labels = Array(repeating: label ?? .nan, count: sequences[index].timesteps)
            }
        }
    }

    /// Returns the label after checking that it fits the loss; nil if there is no loss.
    private func checked(_ label: Float, place: String) throws(ClientError) -> Float? {
        guard let loss else { return nil }
        guard let classes = loss.classes else { return label }
        guard label == label.rounded(), label >= 0, label < Float(classes) else {
            throw ClientError(
                .data, "\(place): the label \(label) is not a class of the model, which has 0 to \(classes - 1)")
        }
        return label
    }
}

extension SequenceCollector {
    /// Adds all rows of a file and shows the progress.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - layout: The meaning of a row's fields.
    ///   - labels: The labels, if they are in a separate file.
    ///   - isQuiet: Whether to hide the progress.
    /// - Returns: The bad rows that were skipped.
    /// - Throws: ``ClientError`` if the file cannot be read, a row is bad, or the labels do not fit.
    mutating func read(
        _ file: InputFile, layout: RowLayout, labels: LabelFile?, isQuiet: Bool
    ) throws(ClientError) -> BadRows {
        var layout = layout
        layout.takesTokens = vocabulary != nil
        try layout.alphabet?.check(vocabulary: vocabulary)
        var source = try RowSource(file, layout: layout)
        var meter = ProgressMeter(total: file.size, isShown: !isQuiet)
        defer { meter.finish() }
        let add = { (row: inout InputRow, place: String) throws(ClientError) in try self.add(row, place: place) }
        while try source.next(check: add) != nil {
            meter.update(done: source.byteCount, timesteps: UInt64(timesteps))
        }
        if let labels { try self.add(labels) }
        return source.badRows
    }
}
