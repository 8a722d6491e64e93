import Daemon
import Logging
import Streams
import TestSupport
import Testing

/// Tests which model files the daemon serves, and how it refuses the others at startup.
@Suite struct `The models of a daemon` {
    private func serve(_ file: String, mode: ServingPolicy.Mode? = nil) throws -> SluiceService {
        var configuration = DaemonConfiguration()
        configuration.models = [
            DaemonConfiguration.Model(name: "m", file: file, policy: ServingPolicy(), mode: mode)
        ]
        return try SluiceService(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func fixture(_ name: String) -> String { Fixtures.url(name).path() }

    @Test(arguments: ["reference/model2.keras", "reference/model2.h5"])
    func `a stateful model is served`(file: String) throws {
        #expect(throws: Never.self) { try serve(fixture(file)) }
    }

    @Test(arguments: ["reference/model1.keras", "reference/model1.h5", "keras/smallest.keras"])
    func `a model that is not stateful is served in either mode`(file: String) throws {
        for mode in [nil, ServingPolicy.Mode.stateful, .sequence] {
            #expect(throws: Never.self) { try serve(fixture(file), mode: mode) }
        }
    }

    @Test(arguments: ["reference/model5.keras", "reference/model5.h5"])
    func `a model that needs whole sequences is not served stateful`(file: String) throws {
        let window = ServingPolicy.Window(length: 20, stride: 1).map { ServingPolicy.Mode.window($0) }
        for mode in [nil, .sequence, window] {
            #expect(throws: Never.self) { try serve(fixture(file), mode: mode) }
        }
        let error = try #require(throws: DaemonError.self) { try serve(fixture(file), mode: .stateful) }
        #expect(error.code == .configuration)
        #expect(error.description.contains(fixture(file)) && error.description.contains("sequence or window"))
    }

    @Test func `a missing model file is reported as missing`() throws {
        let file = fixture("reference/no-such-model.keras")
        let error = try #require(throws: DaemonError.self) { try serve(file) }
        #expect(error.code == .noInput)
        #expect(error.code.rawValue == 66)
        #expect(error.description.contains(file))
    }

    @Test(arguments: [
        ("reference/README.md", DaemonError.Code.badData), ("reference/accuracy.json", .badData),
        ("reference", .noInput),
    ])
    func `a file that is not a model is refused`(file: String, code: DaemonError.Code) throws {
        let error = try #require(throws: DaemonError.self) { try serve(fixture(file)) }
        #expect(error.code == code)
        #expect(error.description.contains(fixture(file)))
    }

    @Test func `one bad model among good ones is refused`() throws {
        var configuration = DaemonConfiguration()
        configuration.models = ["model2.keras", "accuracy.json"].map {
            DaemonConfiguration.Model(
                name: $0, file: fixture("reference/\($0)"), policy: ServingPolicy(prefixes: [$0]))
        }
        let error = try #require(throws: DaemonError.self) {
            try SluiceService(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        #expect(error.description.contains("accuracy.json"))
    }
}
