import Foundation
import TestSupport
import Testing

/// Compares continued training of stateful models with Keras. `tools/check/keras-training --stateful` lets Keras
/// continue from files that `sluice fit` has written. Those files and Keras' losses are in
/// `Tests/Fixtures/keras/continued`.
@Suite struct `Training that Keras continued` {
    private struct Continuation: Decodable {
        let epochs: Int
        let loss: [Double]
        let accuracy: [Double]
    }

    private static let cases = [
        try? FitCase("model2", ["--chunk", "1"]), try? FitCase("endless", ["--keep-state"]), try? FitCase("chunks"),
        try? FitCase("every"), try? FitCase("streams"), try? FitCase("last", ["--chunk", "1"]),
    ].compactMap(\.self)

    private let folder = try? TemporaryFolder()

    private func path(_ name: String) throws -> String { try #require(folder).path(name) }

    private static func url(_ file: String) -> URL { Fixtures.url("keras/continued/\(file)") }

    /// Returns the path of a case's data. In the case `last`, only the last hour of each day has a label.
    private func data(_ given: FitCase) throws -> String {
        guard given.name == "last" else { return given.data }
        return try #require(folder).write(try given.dataWithLastLabels, to: "data.csv")
    }

    private func fit(_ given: FitCase, _ model: String, into output: String, _ options: [String]) throws -> FitHistory {
        let ended = try FinishedProgram(
            "sluice",
            ["fit", model, try data(given), "-o", output, "--no-shuffle"] + given.fileOptions + given.options + options)
        #expect(ended.status == 0, "\(ended.errorOutput)")
        return try FitHistory(ended.output)
    }

    @Test func `all cases are found`() { #expect(Self.cases.count == 6) }

    @Test(arguments: cases)
    func `fit and Keras give the same losses from the file that fit wrote`(given: FitCase) throws {
        let keras = try JSONDecoder().decode(
            Continuation.self, from: Data(contentsOf: Self.url("\(given.name).json")))
        let state = given.name == "endless" ? ["--initial-state", Self.url("endless.state.json").path] : []
        let history = try fit(
            given, Self.url("\(given.name).keras").path, into: path("out.keras"),
            ["--resume", "--epochs", "\(keras.epochs)"] + state)
        #expect(keras.loss.count == 5)
        for (curve, expected) in [("loss", keras.loss), ("accuracy", keras.accuracy)] {
            let found = try #require(history[curve])
            #expect(found.count == expected.count)
            for (a, b) in zip(found, expected) { #expect(abs(a - b) <= given.tolerance(curve), "\(curve)") }
        }
    }

    @Test(arguments: cases)
    func `the file that Keras loaded has the weights of today's fit`(given: FitCase) throws {
        let (today, then) = (try path("today.safetensors"), try path("then.safetensors"))
        let keras = try JSONDecoder().decode(
            Continuation.self, from: Data(contentsOf: Self.url("\(given.name).json")))
        _ = try fit(given, given.model, into: today, ["--epochs", "\(keras.epochs - keras.loss.count)"])
        let converted = try FinishedProgram("sluice", ["convert", Self.url("\(given.name).keras").path, then])
        #expect(converted.status == 0, "\(converted.errorOutput)")
        let (a, b) = (try FixtureTensors(URL(filePath: today)), try FixtureTensors(URL(filePath: then)))
        #expect(b.names.count == 5)
        for name in b.names {
            let difference = zip(a.values(name), b.values(name)).map { abs($0 - $1) }.max() ?? .infinity
            #expect(difference <= given.tolerance("final"), "\(name)")
        }
    }
}
