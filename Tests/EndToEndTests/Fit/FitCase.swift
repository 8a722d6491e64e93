import Foundation
import TestSupport
import Testing

/// A Keras training run from `Tests/Fixtures/reference/training`, for `sluice fit` to repeat. The README in that folder
/// describes the files.
struct FitCase: CustomTestStringConvertible {
    private struct File: Decodable {
        struct Files: Decodable {
            let train: String
            let test: String?
            let options: String
        }

        struct Run: Decodable {
            let loss: [Double]?
            let accuracy: [Double]?
            let valLoss: [Double]?
            let valAccuracy: [Double]?
            let learningRate: [Double]?
            let state: [[Double]]?
            let evaluate: [String: Double]?
            let parts: [Part]?
            let probabilities: [Double]?
            let online: Online?
        }

        let files: Files
        let epochs: Int
        let batchSize: Int
        let tensorflowFloat64: Run
        let differences: [String: [String: Double]]
    }

    /// One part of a training run that is interrupted and then continued.
    struct Part: Decodable {
        let state: [[Double]]
        let losses: [Double]?
        let probabilities: [Double]?
    }

    /// The settings for a daemon that learns while it serves.
    struct Online: Decodable {
        /// The number of timesteps that an update trains on.
        let window: Int
        /// The number of later decisions before a decision's label is known.
        let delay: Int
        /// The number of updates after which the served weights are replaced.
        let swap: Int
    }

    static let folder = "reference/training"

    let name: String
    /// The options of `sluice fit`, except for the files and the number of epochs.
    let options: [String]
    /// Keras' curves, by column name.
    let curves: [String: [Double]]
    /// Keras' final state of each stream.
    let state: [[Double]]?
    /// The parts of the case `change`; empty for other cases.
    let parts: [Part]
    /// Keras' decisions in the cases `online` and `online_late`; empty for other cases.
    let probabilities: [Double]
    let online: Online?
    /// Keras' loss and accuracy on the held-out file.
    let evaluation: [String: Double]
    /// The held-out file.
    let heldOut: String
    let fileOptions: [String]
    private let train: String
    private let epochs: Int
    private let differences: [String: [String: Double]]

    /// Reads a case.
    ///
    /// - Parameters:
    ///   - name: The name of the case.
    ///   - options: The options of `sluice fit` that the model file does not contain.
    /// - Throws: Foundation's error if the file cannot be read.
    init(_ name: String, _ options: [String] = []) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let file = try decoder.decode(
            File.self, from: Data(contentsOf: Fixtures.url("\(Self.folder)/\(name).json")))
        let run = file.tensorflowFloat64
        self.name = name
        self.options = options
        train = file.files.train
        heldOut = Self.path(file.files.test ?? file.files.train)
        fileOptions = file.files.options.split(separator: " ").map(String.init)
        epochs = file.epochs
        differences = file.differences
        state = run.state
        parts = run.parts ?? []
        probabilities = run.probabilities ?? []
        online = run.online
        evaluation = run.evaluate ?? [:]
        curves = [
            "loss": run.loss, "accuracy": run.accuracy, "val_loss": run.valLoss, "val_accuracy": run.valAccuracy,
            "learning_rate": run.learningRate,
        ].compactMapValues(\.self)
    }

    var testDescription: String { name }

    static func path(_ file: String) -> String {
        Fixtures.url(file.hasPrefix("../") ? "reference/\(file.dropFirst(3))" : "\(folder)/\(file)").path
    }

    /// The path of the model before training.
    var model: String { Self.path("\(name).initial.keras") }

    /// The path of the training data.
    var data: String { Self.path(train) }

    /// The training data with only the last label of each day.
    var dataWithLastLabels: String {
        get throws {
            let rows = try String(contentsOfFile: data, encoding: .utf8).split(separator: "\n")
            return rows.enumerated().map { index, row in
                let end = index % 24 == 0 ? nil : row.lastIndex(of: ",")
                return (end.map { row[...$0] } ?? row) + "\n"
            }.joined()
        }
    }

    /// Runs `sluice fit` until it ends.
    func fit(into output: String, epochs: Int? = nil, _ more: [String] = []) throws -> FinishedProgram {
        try FinishedProgram(
            "sluice",
            ["fit", model, data, "-o", output, "--epochs", "\(epochs ?? self.epochs)", "--no-shuffle"] + fileOptions
                + options + more)
    }

    /// Returns the tolerance for a curve: ten times the difference between two correct runs, but at least 1e-5.
    func tolerance(_ curve: String) -> Double {
        max(1e-5, 10 * (differences.values.compactMap { $0[curve] }.max() ?? 0))
    }

    /// Checks that the history from `sluice fit` agrees with Keras' curves.
    func check(_ csv: String) throws {
        let history = try FitHistory(csv)
        for (curve, expected) in curves {
            let found = try #require(history[curve], "\(name) has no column \(curve)")
            #expect(found.count == expected.count, "\(name): epochs")
            let tolerance = curve == "learning_rate" ? 1e-8 : tolerance(curve)
            for (epoch, (a, b)) in zip(found, expected).enumerated() {
                #expect(abs(a - b) <= tolerance, "\(name), \(curve) of epoch \(epoch + 1)")
            }
        }
    }
}

/// The training history that `sluice fit` writes to a pipe.
struct FitHistory {
    private var columns: [String: [Double]] = [:]

    init(_ csv: String) throws {
        let lines = csv.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let names = try #require(lines.first)
        for line in lines.dropFirst() {
            for (name, field) in zip(names, line) { columns[String(name), default: []].append(Double(field) ?? .nan) }
        }
    }

    subscript(_ column: String) -> [Double]? { columns[column] }
}
