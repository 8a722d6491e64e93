import Foundation
import ModelFiles
import Recurrent
import TestSupport
import Training

/// A Keras training run from `Tests/Fixtures/reference/training`. The README in that folder describes the files.
struct TrainingCase: Decodable {
    /// A run in one precision.
    struct Run: Decodable {
        struct Evaluation: Decodable {
            let loss: Double
            let accuracy: Double
        }

        struct Part: Decodable {
            let state: [[Float]]
            let losses: [Double]?
            let probabilities: [Double]?
        }

        let loss: [Double]?
        let accuracy: [Double]?
        let valLoss: [Double]?
        let valAccuracy: [Double]?
        let learningRate: [Double]?
        let firstSteps: [Double]?
        let evaluate: Evaluation?
        let state: [[Float]]?
        let parts: [Part]?
        let probabilities: [Double]?
        let updates: Int?
        let online: Online?
    }

    /// The settings for a daemon that learns while it serves.
    struct Online: Decodable {
        let window: Int
        let delay: Int
        let swap: Int
    }

    struct Files: Decodable {
        let train: String
        let test: String
    }

    struct FirstBatch: Decodable {
        let sequences: Int
        let timesteps: Int
        let lossFloat64: Double
    }

    /// A learning rate: a constant or a schedule.
    enum Rate: Decodable {
        struct Decay: Decodable {
            let initialLearningRate: Double
            let decaySteps: Double
            let decayRate: Double
        }

        case constant(Double)
        case decay(Decay)

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let rate = try? value.decode(Double.self) {
                self = .constant(rate)
            } else {
                self = .decay(try value.decode(Decay.self))
            }
        }
    }

    struct Adam: Decodable {
        let learningRate: Rate?
        let clipnorm: Double?
        let clipvalue: Double?
    }

    struct Options: Decodable {
        struct Plateau: Decodable {
            let factor: Double
            let patience: Int
            let minLr: Double
        }

        struct Stopping: Decodable {
            let patience: Int
            let restoreBestWeights: Bool
        }

        let validationSplit: Double?
        let classWeight: [String: Float]?
        let reduceLr: Plateau?
        let earlyStopping: Stopping?
        let initialEpoch: Int?
    }

    private let files: Files
    let loss: String
    let batchSize: Int
    let epochs: Int
    private let adam: Adam?
    let fit: Options?
    let firstBatch: FirstBatch
    let tensorflowFloat64: Run
    let differences: [String: [String: Double]]

    private static let folder = "reference/training"

    /// Reads a case by its name.
    static func read(_ name: String) throws -> TrainingCase {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(
            TrainingCase.self, from: Data(contentsOf: Fixtures.url("\(folder)/\(name).json")))
    }

    static func model(_ name: String) throws -> ModelFile { try document(name).file }

    static func document(_ name: String) throws -> ModelDocument {
        try ModelDocument.read(Fixtures.url("\(folder)/\(name).initial.keras").path())
    }

    static func tensors(_ name: String) throws -> FixtureTensors {
        try FixtureTensors(Fixtures.url("\(folder)/\(name).tensors.safetensors"))
    }

    /// Returns the tolerance for a curve: ten times the difference between two correct runs, but at least 1e-5.
    func tolerance(_ curve: String) -> Double {
        max(1e-5, 10 * (differences.values.compactMap { $0[curve] }.max() ?? 0))
    }

    /// Returns the sequences that Keras trained on.
    func trainingSet() throws -> TrainingSet { try Self.set(files.train) }
    /// Returns the sequences that were held out.
    func testSet() throws -> TrainingSet { try Self.set(files.test) }

    func configuration(outputs: TrainingConfiguration.Outputs = .last) throws -> TrainingConfiguration {
        let clipping: Clipping =
            adam?.clipnorm.map { .norm($0) } ?? adam?.clipvalue.map { .value($0) } ?? .none
        var configuration = TrainingConfiguration(
            loss: Loss(Loss.Function(rawValue: loss) ?? .binaryCrossentropy),
            optimizer: Optimizer(learningRate: rate, clipping: clipping), outputs: outputs)
        for (number, weight) in fit?.classWeight ?? [:] { configuration.classWeights[Int(number) ?? 0] = weight }
        return configuration
    }

    private var rate: LearningRate {
        switch adam?.learningRate {
        case .constant(let rate): .constant(rate)
        case .decay(let decay):
            .exponentialDecay(
                initial: decay.initialLearningRate, rate: decay.decayRate, steps: decay.decaySteps)
        case nil: .constant(0.001)
        }
    }

    /// Returns the options of Keras' `fit`, and the set that it trained on.
    func options(_ set: TrainingSet) -> (FitOptions, TrainingSet) {
        var options = FitOptions(epochs: epochs, batchSize: batchSize)
        options.shuffles = false
        options.initialEpoch = fit?.initialEpoch ?? 0
        if let stopping = fit?.earlyStopping {
            options.earlyStopping = EarlyStopping(
                patience: stopping.patience, restoresBest: stopping.restoreBestWeights)
        }
        if let plateau = fit?.reduceLr {
            options.rateReduction = RateReduction(
                factor: plateau.factor, patience: plateau.patience, minimumRate: plateau.minLr)
        }
        guard let split = fit?.validationSplit else { return (options, set) }
        let parts = set.split(validation: split)
        options.validation = parts.validation
        return (options, parts.training)
    }

    /// Reads sequences of numbers, or of letters. Sequences of letters are padded with 0 to the longest length.
    private static func set(_ file: String) throws -> TrainingSet {
        let path = file.hasPrefix("../") ? "reference/\(file.dropFirst(3))" : "\(folder)/\(file)"
        let rows = try Fixtures.rows(path)
        var set = TrainingSet(features: 1)
        if rows.first?["sequence"] != nil {
            let longest = rows.compactMap { $0["sequence"]?.count }.max() ?? 0
            for row in rows {
                let letters = (row["sequence"] ?? "").compactMap { ["A": 1, "C": 2, "G": 3, "T": 4][$0] as Float? }
                set.append(
                    inputs: letters + Array(repeating: 0, count: longest - letters.count),
                    labels: [Float(row["label"] ?? "") ?? .nan], weight: Float(row["weight"] ?? "1") ?? .nan)
            }
            return set
        }
        var (stream, inputs, label) = (rows.first?["stream"], [Float](), Float.nan)
        func end() { set.append(inputs: inputs, labels: [label]) }
        for row in rows {
            if row["stream"] != stream {
                end()
                (stream, inputs) = (row["stream"], [])
            }
            inputs.append(Float(row["x0"] ?? "") ?? .nan)
            label = Float(row["label"] ?? "") ?? .nan
        }
        end()
        return set
    }
}

extension ModelFile {
    /// The names of the trainable weights in the model's order, such as `lstm/kernel`.
    var weightNames: [String] {
        zip(layers.filter { $0.parameters > 0 }, model.layers.filter { !$0.weights.isEmpty }).flatMap { row, layer in
            layer.weightNames.map { "\(row.name)/\($0)" }
        }
    }
}

extension Layer {
    fileprivate var weightNames: [String] {
        switch self {
        case let layer as Bidirectional:
            layer.forward.weightNames.map { "forward/\($0)" } + layer.backward.weightNames.map { "backward/\($0)" }
        case is Embedding: ["embeddings"]
        case is Dense: ["kernel", "bias"]
        default: ["kernel", "recurrent_kernel", "bias"]
        }
    }
}

/// Returns the largest difference between numbers at the same position; infinite if the lengths differ or a value is NaN.
func largestDifference(_ found: [some BinaryFloatingPoint], _ expected: [some BinaryFloatingPoint]?) -> Double {
    guard let expected, found.count == expected.count, !found.isEmpty else { return .infinity }
    let differences = zip(found, expected).map { abs(Double($0) - Double($1)) }
    return differences.contains { $0.isNaN } ? .infinity : differences.max() ?? .infinity
}
