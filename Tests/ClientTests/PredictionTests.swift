import Foundation
import ModelFiles
import Recurrent
import Testing

@testable import Client

@Suite struct `A loss` {
    // The values are from Keras' documentation of the loss functions: https://keras.io/api/losses/
    @Test(arguments: [([0.6, 0.4], [0, 1], 0.916), ([0.4, 0.6], [0, 0], 0.714)] as [([Float], [Float], Double)])
    func `a binary cross-entropy equals Keras'`(answers: [Float], labels: [Float], mean: Double) {
        var evaluation = Evaluation()
        for (answer, label) in zip(answers, labels) {
            evaluation.add([answer].span, label: label, decided: 0, loss: .binaryCrossEntropy)
        }
        #expect(abs(evaluation.loss - mean) < 0.0005)
    }

    @Test(arguments: [([0.05, 0.95, 0], 1, 0.0513), ([0.1, 0.8, 0.1], 2, 2.303)] as [([Float], Float, Double)])
    func `a sparse categorical cross-entropy equals Keras'`(answer: [Float], label: Float, mean: Double) {
        let loss = Loss.sparseCategoricalCrossEntropy(classes: 3)
        #expect(abs(value(loss, answer, label: label) - mean) < 0.0005)
    }

    @Test func `a probability of 0 or 1 has a finite loss, and a NaN stays a NaN`() {
        let loss = Loss.binaryCrossEntropy
        #expect(abs(value(loss, [0], label: 1) - 16.118) < 0.001)
        #expect(abs(value(loss, [1], label: 0) - 15.942) < 0.001, "1 - 1e-7 as a float32")
        #expect(value(loss, [1], label: 1) < 2e-7)
        #expect(value(loss, [.nan], label: 1).isNaN)
    }

    @Test func `an answer of one half is right for the label 0, as with Keras' threshold`() {
        #expect(isRight(.binaryCrossEntropy, [0.5], label: 0))
        #expect(!isRight(.binaryCrossEntropy, [0.5], label: 1))
        #expect(isRight(.binaryCrossEntropy, [Float(0.5).nextUp], label: 1))
    }

    @Test func `of several equally large probabilities, the first determines the class`() {
        let loss = Loss.sparseCategoricalCrossEntropy(classes: 3)
        #expect(isRight(loss, [0.2, 0.4, 0.4], label: 1))
        #expect(!isRight(loss, [0.2, 0.4, 0.4], label: 2))
    }

    @Test func `a model's last layer and compilation determine its loss, if any`() throws {
        let cases: [(Activation, units: Int, CompiledLoss?, Loss.Function?, classes: Int?)] = [
            (.sigmoid, 1, nil, .binaryCrossEntropy, 2), (.hardSigmoid, 1, nil, .binaryCrossEntropy, 2),
            (.linear, 1, nil, nil, nil), (.softmax, 3, nil, .sparseCategoricalCrossEntropy, 3),
            (.sigmoid, 1, CompiledLoss(name: "poisson"), .binaryCrossEntropy, 2),
            (.sigmoid, 1, CompiledLoss(name: "mean_squared_error"), .meanSquaredError, 2),
            (.linear, 1, CompiledLoss(name: "mean_squared_error"), .meanSquaredError, nil),
            (.linear, 1, CompiledLoss(name: "binary_crossentropy", fromLogits: true), .binaryCrossEntropy, 2),
        ]
        for (activation, units, compiled, function, classes) in cases {
            let meaning = OutputMeaning(of: try dense(activation, units: units), loss: compiled)
            let loss = Loss(outputs: units, meaning: meaning, compiled: compiled)
            #expect(loss?.function == function)
            #expect(loss?.classes == classes)
        }
    }

    @Test(arguments: Merge.allCases, [Activation.sigmoid, .linear])
    func `a merge of probabilities is a probability if it stays between 0 and 1`(
        merge: Merge, second: Activation
    ) throws {
        let layers = try [.sigmoid, second].map { try #require(try dense($0, units: 1).layers.first) }
        let nodes =
            layers.map { Graph.Node(.layer($0), inputs: [0], isVector: false) } + [
                Graph.Node(.merge(merge, skipsMasked: false), inputs: [1, 2], isVector: false)
            ]
        let model = try Model(layers: [Graph(features: 1, isInputVector: false, nodes: nodes)])
        let isProbability = second == .sigmoid && merge != .add && merge != .subtract
        #expect(OutputMeaning(of: model, loss: nil) == (isProbability ? .probability : .number))
    }

    private func value(_ loss: Loss, _ answer: [Float], label: Float) -> Double { loss(answer.span, label: label) }

    private func isRight(_ loss: Loss, _ answer: [Float], label: Int) -> Bool {
        loss.isRight(answer.span, label: label)
    }
}

@Suite struct `A sequence collector` {
    @Test func `the rows of a stream are one sequence, in the order of the streams' first rows`() throws {
        var collector = try collector()
        for (stream, value) in [("b", 1), ("a", 2), ("b", 3), ("a", 4)] as [(String, Float)] {
            try collector.add(InputRow(stream: stream, values: [value]), place: "file:2")
        }
        #expect(
            collector.sequences == [
                RecordedSequence(stream: "b", values: [1, 3], timesteps: 2),
                RecordedSequence(stream: "a", values: [2, 4], timesteps: 2),
            ])
        #expect(collector.timesteps == 4)
    }

    @Test func `a start or an end begins a new sequence`() throws {
        var collector = try collector()
        try collector.add(InputRow(stream: "s", values: [1], flags: .start), place: "")
        try collector.add(InputRow(stream: "s", values: [2, 3], timesteps: 2, flags: .end), place: "")
        try collector.add(InputRow(stream: "s", values: [4]), place: "")
        try collector.add(InputRow(stream: "s", values: [5], flags: .start), place: "")
        #expect(collector.sequences.map(\.values) == [[1, 2, 3], [4], [5]])
    }

    @Test func `two spellings of one text are two streams`() throws {
        var collector = try collector()
        try collector.add(InputRow(stream: "\u{E9}", values: [1]), place: "")
        try collector.add(InputRow(stream: "e\u{301}", values: [2]), place: "")
        #expect(collector.sequences.map(\.values) == [[1], [2]])
    }

    @Test func `a sequence's label is the label of its last row`() throws {
        var collector = try collector()
        var row = InputRow(stream: "s", values: [1])
        row.label = 0
        try collector.add(row, place: "")
        row.label = 1
        try collector.add(row, place: "")
        #expect(collector.sequences.map(\.label) == [1])
        row.label = nil
        try collector.add(row, place: "")
        #expect(collector.sequences.map(\.label) == [nil])
    }

    @Test(arguments: [0.5, -1, 2] as [Float])
    func `the error about a label that is not a class names the file and the line`(label: Float) throws {
        var collector = try collector()
        var row = InputRow(stream: "s", values: [1])
        row.label = label
        #expect(throws: ClientError(.data, "file:7: the label \(label) is not a class of the model, which has 0 to 1"))
        {
            try collector.add(row, place: "file:7")
        }
    }

    @Test func `numbered rows must be consecutive, whatever the first number is`() throws {
        var collector = try collector()
        try collector.add(InputRow(stream: "s", values: [1, 2], timesteps: 2, sequence: 41), place: "")
        try collector.add(InputRow(stream: "s", values: [3]), place: "")
        try collector.add(InputRow(stream: "s", values: [4], sequence: 44, flags: .start), place: "")
        for wrong: UInt64 in [44, 46] {
            #expect(throws: ClientError(.data, "file:7: stream 's' has timestep \(wrong), but 45 comes next")) {
                try collector.add(InputRow(stream: "s", values: [4], sequence: wrong), place: "file:7")
            }
        }
    }

    @Test func `a sequence longer than the model's input is refused, and a shorter one is not`() throws {
        var collector = try collector(longest: 2)
        try collector.add(InputRow(stream: "s", values: [1]), place: "")
        try collector.add(InputRow(stream: "t", values: [1, 2], timesteps: 2), place: "")
        #expect(throws: ClientError.self) { try collector.add(InputRow(stream: "t", values: [3]), place: "") }
    }

    private func collector(longest: Int? = nil) throws -> SequenceCollector {
        SequenceCollector(model: try dense(.sigmoid, units: 1), longest: longest, loss: .binaryCrossEntropy)
    }
}

@Suite struct `Shared work` {
    @Test(arguments: [1, 2, 5])
    func `every sequence is answered once and in order by any number of threads`(jobs: Int) throws {
        let sequences = (0..<100).map { index in
            let count = 1 + index % 7
            return RecordedSequence(
                stream: "\(index)", values: Array(repeating: Float(index), count: count), timesteps: count)
        }
        let model = try dense(.linear, units: 1)
        var work = WorkSharing(
            sequences, model: model, options: .init(answers: .last, text: .csv, threshold: .half, loss: nil),
            jobs: jobs, batch: 10)
        var lines: [String] = []
        var rounds = 0
        while case let batches = try work.nextRound(), !batches.isEmpty {
            rounds += 1
            lines += batches.flatMap {
                String(decoding: $0.text, as: UTF8.self).split(separator: "\n").map(String.init)
            }
        }
        #expect(rounds > 1)
        let expected = sequences.map { sequence in
            "\(sequence.stream),\(sequence.timesteps),\(sequence.stream).0,\(sequence.stream == "0" ? 0 : 1)"
        }
        #expect(lines == expected)
    }

    @Test func `an input without sequences gives no answers`() throws {
        var work = WorkSharing(
            [], model: try dense(.linear, units: 1),
            options: .init(answers: .last, text: .csv, threshold: .half, loss: nil), jobs: 2)
        #expect(try work.nextRound().isEmpty)
    }
}

@Suite struct `An alphabet` {
    @Test func `a letter's position determines its token`() throws {
        #expect(try Alphabet("ACGT", firstToken: 1).tokens(of: "TCAG", place: "") == [4, 2, 1, 3])
        #expect(try Alphabet("éa", firstToken: 0).tokens(of: "aé", place: "") == [1, 0])
    }

    @Test(arguments: [("", 1), ("AA", 1), ("AC", -1), ("AC", .max)])
    func `an invalid alphabet is refused`(letters: String, firstToken: Int) throws {
        #expect {
            try Alphabet(letters, firstToken: firstToken)
        } throws: { ($0 as? ClientError)?.status == .usage }
    }

    @Test(arguments: [
        ("ANC", "file:3: 'N', letter 2 of the sequence, is not in the alphabet AC"),
        ("", "file:3: the sequence has no letters"),
    ])
    func `the error about a letter outside the alphabet names the file and line`(text: String, message: String) throws {
        let alphabet = try Alphabet("AC", firstToken: 1)
        #expect(throws: ClientError(.data, message)) { try alphabet.tokens(of: text, place: "file:3") }
    }
}

/// Returns a model with a single dense layer, which only applies an activation to its input.
private func dense(_ activation: Activation, units: Int) throws -> Model {
    let kernel = try Tensor(shape: [1, units], values: Array(repeating: 1, count: units))
    return try Model(layers: [try Dense(units: units, activation: activation, kernel: kernel, bias: nil)])
}
