import ModelFiles
package import Training

/// The labelled sequences of a file, in the form that training needs.
package struct LabelledSequences: Sendable {
    /// The way in which a file's sequences are divided into training sequences.
    package enum Division: Sendable {
        /// Each sequence of the file is one training sequence.
        case none
        /// Each sequence is cut into training sequences of the given length.
        case length(Int)
        /// Each window of consecutive timesteps is one training sequence.
        case windows(length: Int, stride: Int)
    }

    /// The name of the file, for messages.
    package let name: String
    /// The sequences.
    package private(set) var set: TrainingSet
    /// The stream of each sequence.
    package private(set) var streams: [String] = []
    /// The number of sequences left out because they have no label.
    package private(set) var unlabelled = 0
    /// The bad rows that were skipped.
    package let badRows: BadRows

    private let loss: LossChoice
    private let outputs: Int

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - layout: The meaning of a row's fields, including the position of the labels.
    ///   - labels: The labels, if they are in a separate file.
    ///   - division: The division of the file's sequences.
    ///   - task: The model and its loss.
    ///   - isQuiet: Whether to hide the progress.
    /// - Throws: ``ClientError`` if a row is bad, or if no sequence has a label.
    init(
        _ file: InputFile, layout: RowLayout, labels: LabelFile?, division: Division, for task: TrainingTask,
        isQuiet: Bool
    ) throws(ClientError) {
        let model = task.document.file
        var (longest, length) = (model.isStateful ? nil : model.sequenceLength, Int?.none)
        switch division {
        case .none: break
        case .length(let timesteps): (longest, length) = (nil, timesteps)
        case .windows: longest = nil
        }
        var collector = SequenceCollector(
            model: model.model, longest: longest, length: length, loss: task.loss.labels, keepsLabels: true)
        let badRows = try collector.read(file, layout: layout, labels: labels, isQuiet: isQuiet)
        try self.init(collector.sequences, name: file.name, badRows: badRows, division: division, for: task)
    }

    /// Divides sequences, and selects those on which a model can be trained.
    ///
    /// - Throws: ``ClientError`` with the status `data` if no sequence has a label.
    init(
        _ sequences: [RecordedSequence], name: String, badRows: BadRows = BadRows(), division: Division,
        for task: TrainingTask
    ) throws(ClientError) {
        let model = task.document.file
        self.name = name
        self.badRows = badRows
        loss = task.loss
        outputs = model.model.outputs
        set = TrainingSet(
            features: model.model.features, targets: loss.training.targets(outputs: outputs),
            hasLabelPerTimestep: task.hasLabelPerTimestep)
        for sequence in sequences {
            guard case .windows(let length, let stride) = division else {
                append(sequence, 0..<sequence.timesteps, keepsAll: model.isStateful)
                continue
            }
            for end in Swift.stride(from: length, through: sequence.timesteps, by: stride) {
                append(sequence, end - length..<end, keepsAll: false)
            }
        }
        try check(hasRows: !sequences.isEmpty)
    }

    /// Appends a part of a sequence. A part without a label is left out, unless `keepsAll` is set. For a stateful
    /// model, all parts must be kept, because each part advances the state.
    private mutating func append(_ sequence: RecordedSequence, _ timesteps: Range<Int>, keepsAll: Bool) {
        let labels = set.hasLabelPerTimestep ? sequence.labels[timesteps] : sequence.labels[timesteps].suffix(1)
        guard keepsAll || labels.contains(where: { !$0.isNaN }) else {
            unlabelled += 1
            return
        }
        set.append(
            inputs: Array(sequence.values[timesteps.lowerBound * set.features..<timesteps.upperBound * set.features]),
            labels: labels.flatMap { loss.targets(of: $0, outputs: outputs) }, weight: sequence.weight ?? 1)
        streams.append(sequence.stream)
    }

    private func check(hasRows: Bool) throws(ClientError) {
        guard hasRows else { throw ClientError(.data, "\(name): the file has no sequence") }
        guard set.count > 0, set.hasLabels else {
            throw Self.noLabels(name: name, perTimestep: set.hasLabelPerTimestep)
        }
    }
}

extension LabelledSequences {
    /// Splits off the last sequences for validation, like Keras' `validation_split`.
    func split(validation: Double) throws(ClientError) -> (training: LabelledSequences, validation: LabelledSequences) {
        let parts = set.split(validation: validation)
        for (part, name) in [(parts.training, "training"), (parts.validation, "validation")] {
            guard part.count > 0, part.hasLabels else {
                throw ClientError(
                    .data,
                    "\(self.name): \(Quantity.count(set.count, of: "sequence")), of which --validation-split "
                        + "\(Quantity.decimal(validation)) leaves none with a label for \(name)")
            }
        }
        var (training, rest) = (self, self)
        training.set = parts.training
        training.streams = Array(streams.prefix(parts.training.count))
        rest.set = parts.validation
        rest.streams = Array(streams.suffix(parts.validation.count))
        return (training, rest)
    }

    /// Checks that there is something to learn.
    ///
    /// - Parameter continues: Whether the sequences are parts of longer streams, which may stay in one class for a long
    ///   time. In that case, nothing is checked.
    /// - Throws: ``ClientError`` with the status `data` if there is only one sequence with one label, or only one
    ///   class.
    func checkVariety(continues: Bool) throws(ClientError) {
        guard !continues, loss.isClassifier else { return }
        guard set.count > 1 || set.hasLabelPerTimestep else {
            throw Self.oneSequence(name: name)
        }
        if let only = set.onlyLabel { throw Self.oneClass(only, name: name) }
    }

    static func noLabels(name: String, perTimestep: Bool) -> ClientError {
        ClientError(
            .data,
            "\(name): no sequence has a label" + (perTimestep ? "" : " in its last row")
                + "; give --label COLUMN or --labels FILE")
    }

    static func oneSequence(name: String) -> ClientError {
        ClientError(
            .data,
            "\(name): the file is one sequence with one label, from which no model learns; divide it with --sequence-by "
                + "COLUMN, or name the column of the streams with --stream-column")
    }

    static func oneClass(_ label: Float, name: String) -> ClientError {
        ClientError(
            .data,
            "\(name): every label is \(Quantity.decimal(label)), and a classifier learns only from two classes or more; "
                + "check --label")
    }
}
