import Daemon
import Foundation
import Streams
import TestSupport
import Testing
import Wire
import ZeroMQ

/// Tests which contents are read, and which are refused with a line number.
@Suite struct `The contents of a configuration file` {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func read(_ text: String) throws -> DaemonConfiguration {
        try DaemonConfiguration(file: try folder.write(text, to: "sluice.yaml"))
    }

    private static let key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

    @Test func `the protocol's example is read in full`() throws {
        let configuration = try read(
            """
            ingest:
              - "@tcp://127.0.0.1:5550"
              - {endpoint: "pull:@ipc:///run/sluice/readings", codec: json}
              - {codec: text, endpoint: ">tcp://10.0.0.1:1", server_key: "\(Self.key)"}
            decisions: {endpoint: "@tcp://127.0.0.1:5551", codec: binary}
            control: "@tcp://127.0.0.1:5552"
            last_value: true
            high_water_mark: 5000
            http: "[::1]:80"
            log: {format: json, level: debug}
            state:
              {dir: /var/lib/sluice, durability: journal, interval: 2.5, journal_size: 64, journal_sync: normal,
               idle_after: 60, forget_after: 3600, max_streams: 9, on_other_weights: carry}
            access:
              {curve_key: daemon.key, authorized_clients: /etc/sluice/clients, insecure: true, max_message_size: 2000000,
               max_connections: 50, max_subscription_bytes: 70000}
            models:
              power: {file: model2.keras, prefixes: ["meter-"], mode: stateful, emit: every, threshold: {rise: 0.6, fall: 0.4}, gap: continue}
              splice: {file: /models/model5.keras, prefixes: ["dna-", "rna-"], emit: change, threshold: 0.7, gap: reset, on_fault: checkpoint}
              rest: {file: sub/model1.h5}
            """)
        var expected = DaemonConfiguration()
        expected.ingest = [
            .init(IngestEndpoint(.sub, Endpoint(.bind, "tcp://127.0.0.1:5550"))),
            .init(IngestEndpoint(.pull, Endpoint(.bind, "ipc:///run/sluice/readings")), codec: .json),
            .init(
                IngestEndpoint(.sub, Endpoint(.connect, "tcp://10.0.0.1:1")), codec: .text,
                serverKey: CurvePublicKey(z85: Self.key)),
        ]
        expected.decisions = [.init(Endpoint(.bind, "tcp://127.0.0.1:5551"))]
        expected.control = Endpoint(.bind, "tcp://127.0.0.1:5552")
        expected.lastValue = true
        expected.highWaterMark = 5000
        expected.http.endpoint = .address("::1", port: 80)
        expected.logFormat = .json
        expected.logLevel = .debug
        expected.access.curveKey = folder.path("daemon.key")
        expected.access.authorizedClients = "/etc/sluice/clients"
        expected.access.isInsecure = true
        expected.access.maximumMessageSize = 2_000_000
        expected.access.maximumConnections = 50
        expected.access.maximumSubscriptionBytes = 70_000
        expected.stateFolder = "/var/lib/sluice"
        expected.durability = .journal
        expected.journalMegabytes = 64
        expected.journalSync = .normal
        expected.checkpointInterval = 2.5
        expected.idleAfter = 60
        expected.forgetAfter = 3600
        expected.maximumStreams = 9
        expected.onOtherWeights = .carry
        expected.models = [
            DaemonConfiguration.Model(
                name: "power", file: folder.path("model2.keras"),
                policy: ServingPolicy(prefixes: ["meter-"], gap: .continue), mode: .stateful, emit: .every,
                threshold: .init(rise: 0.6, fall: 0.4)),
            DaemonConfiguration.Model(
                name: "splice", file: "/models/model5.keras",
                policy: ServingPolicy(prefixes: ["dna-", "rna-"], gap: .reset, fault: .checkpoint), emit: .change,
                threshold: .init(both: 0.7)),
            DaemonConfiguration.Model(
                name: "rest", file: folder.path("sub/model1.h5"), policy: ServingPolicy(prefixes: [""])),
        ]
        #expect(configuration == expected)
    }

    @Test func `the values in the comments of the packaged file are the defaults`() throws {
        let root = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "deploy/sluice.yaml"), encoding: .utf8)
        // A prose comment begins with # and one space. A commented-out option begins with # and no space.
        var enabled = try read(text.replacing(#/(?m)^#(?! \S)(?=.)/#, with: ""))
        let packaged = try read(text)
        #expect(enabled.models.map(\.mode) == [.stateful] && enabled.ingest.count == 3)
        // Two differences are expected. The model determines the mode, emit and threshold, and the comment shows more
        // ingest endpoints than the default.
        enabled.ingest = packaged.ingest
        for index in enabled.models.indices {
            (enabled.models[index].mode, enabled.models[index].emit, enabled.models[index].threshold) = (nil, nil, nil)
        }
        #expect(enabled == packaged)
    }

    @Test func `a missing key gets the protocol's default`() throws {
        let configuration = try read("models: {m: {file: /m.keras}}")
        #expect(configuration.ingest.map(\.endpoint.description) == ["@tcp://127.0.0.1:5550"])
        #expect(configuration.ingest.map(\.codec) == [.binary])
        #expect(configuration.decisions.map(\.codec) == [.binary])
        #expect(configuration.decisions.map(\.endpoint.description) == ["@tcp://127.0.0.1:5551"])
        #expect(configuration.control.description == "@tcp://127.0.0.1:5552")
        #expect("\(configuration.http.endpoint)" == "127.0.0.1:5553" && !configuration.http.isPublic)
        #expect(configuration.logFormat == .text && configuration.logLevel == .info)
        #expect(configuration.access == AccessConfiguration())
        #expect(configuration.access.curveKey == nil && !configuration.access.isInsecure)
        #expect(configuration.stateFolder == nil)
        #expect(configuration.durability == .checkpoint)
        #expect(configuration.checkpointInterval == 5)
        #expect(configuration.journalMegabytes == 256)
        #expect(configuration.journalSync == .full)
        let model = DaemonConfiguration.Model(name: "m", file: "/m.keras", policy: ServingPolicy())
        #expect(configuration.models == [model])
        #expect(model.policy.prefixes == [""])
        #expect(model.mode == nil && model.emit == nil && model.policy.gap == .continue)
        #expect(model.threshold == nil)
    }

    @Test func `relative paths start at the file's folder, wherever the daemon starts`() throws {
        let configuration = try read(
            """
            state: {dir: state}
            models:
              a: {file: m.keras, prefixes: a}
              b: {file: ../m.keras, prefixes: b}
              c: {file: /m.keras, prefixes: c}
            """)
        #expect(configuration.stateFolder == folder.path("state"))
        #expect(configuration.models.map(\.file) == [folder.path("m.keras"), folder.path("../m.keras"), "/m.keras"])
    }

    @Test(arguments: [
        "tcp://127.0.0.1:1", "[tcp://127.0.0.1:1]", "{endpoint: tcp://127.0.0.1:1}", "[{endpoint: tcp://127.0.0.1:1}]",
    ])
    func `a single ingest endpoint needs no list`(text: String) throws {
        let configuration = try read("ingest: \(text)\nmodels: {m: {file: m}}")
        #expect(configuration.ingest == [.init(IngestEndpoint(.sub, Endpoint(nil, "tcp://127.0.0.1:1")))])
    }

    @Test func `there may be several decisions endpoints, each with its codec`() throws {
        let configuration = try read(
            """
            decisions:
              - tcp://127.0.0.1:1
              - json:tcp://127.0.0.1:2
              - {endpoint: tcp://127.0.0.1:3, codec: batch, topic_prefix: site-7/}
            models: {m: {file: m}}
            """)
        #expect(
            configuration.decisions == [
                .init(Endpoint(nil, "tcp://127.0.0.1:1")), .init(Endpoint(nil, "tcp://127.0.0.1:2"), codec: .json),
                .init(Endpoint(nil, "tcp://127.0.0.1:3"), codec: .batch, topicPrefix: "site-7/"),
            ])
    }

    static let thresholds: [(String, Float, Float)] = [
        ("0.7", 0.7, 0.7), ("0", 0, 0), ("1", 1, 1), ("{rise: 0.6, fall: 0.4}", 0.6, 0.4),
        ("{fall: 0.5, rise: 0.5}", 0.5, 0.5), ("\"0.25\"", 0.25, 0.25), ("1e-3", 0.001, 0.001),
    ]

    @Test(arguments: thresholds)
    func `a threshold is a number or a pair`(text: String, rise: Float, fall: Float) throws {
        let configuration = try read("models: {m: {file: m, threshold: \(text)}}")
        #expect(configuration.models.first?.threshold == ServingPolicy.Threshold(rise: rise, fall: fall))
    }

    static let modes = [
        "stateful", "sequence", "window:24:1", "\"window:24:1\"", "{window: {length: 24, stride: 1}}",
        "{window: {stride: 1, length: 24}}",
    ]

    @Test(arguments: modes)
    func `a mode is a word, and a window may be a mapping`(text: String) throws {
        let configuration = try read("models: {m: {file: m, mode: \(text)}}")
        let expected = text.contains("window") ? "window:24:1" : text
        #expect(configuration.models.first?.mode?.description == expected)
    }

    @Test func `a missing maximum length gets the protocol's default`() throws {
        let configuration = try read("models: {m: {file: m, prefixes: [a], max_length: 100}, n: {file: n}}")
        #expect(configuration.models.map(\.policy.maximumLength) == [100, 65_536])
    }

    /// An invalid file, the line of its fault, and the words that the message must contain.
    struct Bad: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let text: String
        let line: Int
        let named: [String]

        init(_ description: String, line: Int, _ named: String..., text: String) {
            testDescription = description
            self.line = line
            self.named = named
            self.text = text
        }
    }

    /// Three valid lines to put before or after an invalid one.
    static let models = "models:\n  m:\n    file: m.keras\n"

    static let bad = [
        Bad(
            "a topic prefix of the daemon's own", line: 4, "'topic_prefix'", "!sluice/",
            text: models + "decisions: {endpoint: tcp://a:1, codec: batch, topic_prefix: \"!sluice/event\"}"),
        Bad("an unknown key", line: 4, "'ingests'", "ingest, decisions", text: models + "ingests: a"),
        Bad("an unknown key of a model", line: 4, "'files'", "prefixes", text: models + "    files: a"),
        Bad("an unknown key of state", line: 5, "'folder'", "durability", text: models + "state:\n  folder: a"),
        Bad(
            "an unknown key of decisions", line: 6, "'kodec'", "codec",
            text: models + "decisions:\n  endpoint: tcp://a:1\n  kodec: a"),
        Bad(
            "an unknown key of ingest", line: 6, "'kodec'",
            text: models + "ingest:\n  - endpoint: tcp://a:1\n    kodec: a"),
        Bad(
            "an unknown key of a threshold", line: 5, "'raise'", "rise, fall",
            text: models + "    threshold:\n      raise: 1"),
        Bad("a bad ingest endpoint", line: 6, "'http://a'", text: models + "ingest:\n  - tcp://a:1\n  - http://a"),
        Bad("a bad decisions endpoint", line: 4, "'tcp://a'", "port", text: models + "decisions: tcp://a"),
        Bad("a bad control endpoint", line: 4, "'pull:tcp://a:1'", text: models + "control: pull:tcp://a:1"),
        Bad("a list for control", line: 4, "single value", text: models + "control: [tcp://a:1]"),
        Bad("a word that is not yes or no", line: 4, "'yes'", "true", text: models + "last_value: yes"),
        Bad("no room for messages", line: 4, "'high_water_mark'", text: models + "high_water_mark: 0"),
        Bad("no ingest endpoint", line: 4, "'ingest'", text: models + "ingest: []"),
        Bad("an endpoint without an endpoint", line: 5, "'endpoint'", text: models + "ingest:\n  - {codec: binary}"),
        Bad(
            "a codec of ingest not known", line: 6, "'xml'", "binary, json, text",
            text: models + "ingest:\n  - endpoint: tcp://a:1\n    codec: xml"),
        Bad(
            "the codec text of decisions", line: 6, "'text'", "binary, json",
            text: models + "decisions:\n  endpoint: tcp://a:1\n  codec: text"),
        Bad(
            "a codec that is a list", line: 4, "single value",
            text: models + "decisions: {endpoint: tcp://a:1, codec: []}"),
        Bad("a bad HTTP endpoint", line: 4, "'tcp://127.0.0.1:1'", "off", text: models + "http: tcp://127.0.0.1:1"),
        Bad("a log format not known", line: 5, "'xml'", "text, json", text: models + "log:\n  format: xml"),
        Bad("a log level not known", line: 4, "'loud'", "warning", text: models + "log: {level: loud}"),
        Bad("state that is no mapping", line: 4, "mapping", text: models + "state: /var/lib"),
        Bad(
            "a durability not known", line: 5, "'disk'", "memory, checkpoint, journal",
            text: models + "state:\n  durability: disk"),
        Bad("a journal without a size", line: 5, "'journal_size'", text: models + "state:\n  journal_size: 0"),
        Bad("a journal of half a size", line: 5, "whole number", text: models + "state:\n  journal_size: 1.5"),
        Bad("an unknown key of access", line: 5, "'key'", "curve_key", text: models + "access:\n  key: a"),
        Bad("an access of half", line: 5, "'perhaps'", "true", text: models + "access:\n  insecure: perhaps"),
        Bad("messages too small", line: 5, "'max_message_size'", text: models + "access:\n  max_message_size: 1000"),
        Bad("no connections", line: 5, "'max_connections'", text: models + "access:\n  max_connections: 0"),
        Bad(
            "a server key that is none", line: 6, "'server_key'", "nowhere.pub",
            text: models + "ingest:\n  - endpoint: tcp://a:1\n    server_key: nowhere.pub"),
        Bad("an interval of 0", line: 5, "'interval'", text: models + "state:\n  interval: 0"),
        Bad("a negative interval", line: 5, "'interval'", text: models + "state:\n  interval: -1"),
        Bad("an interval in words", line: 5, "'5 s'", text: models + "state:\n  interval: 5 s"),
        Bad("an endless interval", line: 5, "'inf'", text: models + "state:\n  interval: inf"),
        Bad("a mode not known", line: 4, "'window'", "stateful, sequence", text: models + "    mode: window"),
        Bad("a window without a stride", line: 4, "'window:24'", text: models + "    mode: window:24"),
        Bad("a window of nothing", line: 4, "'window:0:1'", "65536", text: models + "    mode: window:0:1"),
        Bad(
            "a window that is too long", line: 4, "65536",
            text: models + "    mode: {window: {length: 65537, stride: 1}}"),
        Bad("a window of a part", line: 4, "'1.5'", text: models + "    mode: {window: {length: 1.5, stride: 1}}"),
        Bad("a window that stands", line: 4, "stride", text: models + "    mode: {window: {length: 24, stride: 0}}"),
        Bad("a window of half", line: 4, "length", "stride", text: models + "    mode: {window: {length: 24}}"),
        Bad("a window of more", line: 4, "'step'", text: models + "    mode: {window: {length: 24, step: 1}}"),
        Bad(
            "a mode by another name", line: 4, "'sliding'", "window", text: models + "    mode: {sliding: {length: 1}}"),
        Bad("a mode of nothing", line: 4, "'window'", text: models + "    mode: {}"),
        Bad("no sequence at all", line: 4, "'max_length'", "16777216", text: models + "    max_length: 0"),
        Bad("sequences too long", line: 4, "'max_length'", text: models + "    max_length: 16777217"),
        Bad("a length in words", line: 4, "'long'", text: models + "    max_length: long"),
        Bad("an emit not known", line: 4, "'all'", "every, last, change, final", text: models + "    emit: all"),
        Bad("a gap not known", line: 4, "'stop'", "continue, reset", text: models + "    gap: stop"),
        Bad("a list for a file", line: 5, "single value", text: models + "  n:\n    file: [a]"),
        Bad("an infinite threshold", line: 4, "threshold", text: models + "    threshold: 1e300"),
        Bad("a threshold that is none", line: 4, "'high'", text: models + "    threshold: high"),
        Bad("a threshold that is not a number", line: 4, "'nan'", text: models + "    threshold: nan"),
        Bad("a threshold that only rises", line: 4, "rise", "fall", text: models + "    threshold: {rise: 0.5}"),
        Bad(
            "a threshold that falls above", line: 4, "threshold", text: models + "    threshold: {rise: 0.4, fall: 0.6}"
        ),
        Bad("a list for a threshold", line: 4, "single value", text: models + "    threshold: [0.6, 0.4]"),
        Bad("no prefixes", line: 4, "'prefixes'", text: models + "    prefixes: []"),
        Bad("two models for all streams", line: 5, "\"\"", "'n'", "'m'", text: models + "  n:\n    file: n.keras"),
        Bad(
            "two models with one prefix", line: 6, "\"a\"", "'n'", "'m'",
            text: models + "    prefixes: [a]\n  n:\n    prefixes: [b, a]\n    file: n"),
        Bad("one prefix twice", line: 4, "\"a\"", "'m'", text: models + "    prefixes: [a, b, a]"),
        Bad("a model without a file", line: 5, "'n'", "'file'", text: models + "  n:\n    prefixes: [a]"),
        Bad("a model that is no mapping", line: 4, "mapping", text: models + "  n: model2.keras"),
        Bad("models that are a list", line: 1, "mapping", text: "models: [a]"),
        Bad("no models", line: 1, "'models'", text: "control: tcp://a:1"),
        Bad("models without any", line: 1, "'models'", text: "models: {}"),
        Bad("an empty file", line: 1, "empty", text: ""),
        Bad("a file of comments", line: 1, "empty", text: "# nothing\n"),
        Bad("a list", line: 1, "mapping", text: "- a\n- b\n"),
        Bad("a text", line: 1, "mapping", text: "model2.keras"),
        Bad("a tab", line: 2, text: "models:\n\tm: a\n"),
        Bad("an open quote", line: 4, text: models + "control: \"tcp"),
        Bad("an open bracket", line: 5, text: models + "ingest: [a\nstate: b"),
        Bad("two documents", line: 4, "single document", text: models + "---\n" + models),
        Bad("a control character", line: 4, "control", text: models + "# é\u{1}\n"),
        Bad("a key twice", line: 1, "'models'", text: models + "models: {}"),
        Bad("a model twice", line: 2, "'m'", text: models + "  m: {file: n}"),
        Bad("a model's key twice", line: 3, "'file'", text: models + "    file: n"),
    ]

    @Test(arguments: bad)
    func `an invalid file is refused with its path and line`(_ bad: Bad) throws {
        let error = try #require(throws: DaemonError.self) { try read(bad.text) }
        #expect(error.code == .configuration)
        #expect(error.description.hasPrefix("\(folder.path("sluice.yaml")):\(bad.line): "), "\(error)")
        #expect(!error.description.contains("\n"))
        for name in bad.named {
            #expect(error.description.contains(name), "\(error)")
        }
    }

    @Test func `a file that cannot be read is reported as missing`() throws {
        for path in [folder.path("not-there.yaml"), folder.path] {
            let error = try #require(throws: DaemonError.self) { try DaemonConfiguration(file: path) }
            #expect(error.code == .noInput)
            #expect(error.description.contains(path))
            #expect(!error.description.contains("\n"))
        }
    }

    @Test func `two encodings of one character are two prefixes`() throws {
        let configuration = try read(
            "models:\n  a: {file: a, prefixes: [\"\u{E9}\"]}\n  b: {file: b, prefixes: [\"e\u{301}\"]}\n")
        #expect(configuration.models.map(\.name) == ["a", "b"])
    }
}
