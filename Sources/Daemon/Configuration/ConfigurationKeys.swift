import Foundation

/// A key of the configuration file, with its description for the manual.
public struct ConfigurationKey: Encodable, Sendable {
    /// The path of the key, such as `state.interval`. `NAME` stands for the name of a model.
    let path: String
    /// The flag with the same meaning, without its dashes. The flag's help supplies the properties below that are nil.
    var flag: String?
    /// The possible values, or their unit.
    var value: String?
    /// The default value.
    var usual: String?
    /// The meaning of the key, as a sentence.
    var meaning: String?

    /// All keys as JSON. The manual and the page `Configuration` are generated from this JSON and the flags' help.
    public static var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(described(FileKey.allCases, under: "")), as: UTF8.self)
        }
    }

    private static func described(_ keys: [any KeySet], under prefix: String) -> [ConfigurationKey] {
        keys.flatMap { key in
            let path = prefix + key.rawValue
            var entry = ConfigurationKey(path: path)
            switch key.meaning {
            case .flag(let flag, let meaning, let value):
                (entry.flag, entry.meaning, entry.value) = (flag, meaning, value)
            case .own(let meaning, let value, let usual):
                (entry.meaning, entry.value, entry.usual) = (meaning, value, usual)
            }
            return [entry] + described(key.members, under: "\(path).\(key.chosenName)")
        }
    }
}

/// The keys of one mapping in the configuration file.
protocol KeySet: RawRepresentable<String>, CaseIterable, Equatable {
    var meaning: KeyMeaning { get }
    /// The keys of the mapping, if the value of this key is or may be a mapping; otherwise empty.
    var members: [any KeySet] { get }
    /// `NAME.` if a name that the user chooses comes between this key and its members; otherwise empty.
    var chosenName: String { get }
}

/// The source of a key's meaning, unit and default.
enum KeyMeaning {
    /// The key means the same as a flag. `meaning` and `value` replace the flag's help if the file takes different
    /// values.
    case flag(String, meaning: String? = nil, value: String? = nil)
    case own(_ meaning: String, value: String, usual: String)
}

extension KeySet {
    var members: [any KeySet] { [] }
    var chosenName: String { "" }

    /// The meaning of the flag with the same name, such as `--io-threads` for `io_threads`.
    var sameFlag: KeyMeaning { .flag(rawValue.replacing("_", with: "-")) }
}

enum FileKey: String, KeySet {
    case ingest, decisions, control, http, log, state, access, workers
    case ioThreads = "io_threads"
    case lastValue = "last_value"
    case highWaterMark = "high_water_mark"
    case history
    case historyBytes = "history_bytes"
    case cluster
    case models

    var meaning: KeyMeaning {
        switch self {
        case .ingest, .decisions, .control, .http, .workers, .ioThreads, .lastValue, .highWaterMark, .history,
            .historyBytes:
            sameFlag
        case .log: .own("The log on stderr.", value: "mapping", usual: "none")
        case .state: .own("The stored state.", value: "mapping", usual: "none")
        case .access: .own("The keys of clients, and the limits on each.", value: "mapping", usual: "none")
        case .cluster: .own("The cluster that the daemon is a node of.", value: "mapping", usual: "none")
        case .models:
            .own(
                "The models that decide, each under a name that you choose. At least one is needed.", value: "mapping",
                usual: "none")
        }
    }

    var members: [any KeySet] {
        switch self {
        case .ingest: EndpointKey.ofIngest
        case .decisions: EndpointKey.ofDecisions
        case .http: HTTPKey.allCases
        case .log: LogKey.allCases
        case .state: StateKey.allCases
        case .access: AccessKey.allCases
        case .cluster: ClusterKey.allCases
        case .models: ModelKey.allCases
        case .control, .workers, .ioThreads, .lastValue, .highWaterMark, .history, .historyBytes: []
        }
    }

    var chosenName: String { self == .models ? "NAME." : "" }
}

enum EndpointKey: String, KeySet {
    case endpoint, codec
    case serverKey = "server_key"
    case topicPrefix = "topic_prefix"

    static let ofIngest: [EndpointKey] = [.endpoint, .codec, .serverKey]
    static let ofDecisions: [EndpointKey] = [.endpoint, .codec, .topicPrefix]

    var meaning: KeyMeaning {
        switch self {
        case .endpoint:
            .own("The endpoint, in a mapping that also has other members.", value: "endpoint", usual: "none")
        case .codec:
            .own(
                "The encoding of the messages.",
                value: "binary, json or batch, for timesteps also text", usual: "binary")
        case .serverKey:
            .own(
                "The public key of the producer that the daemon connects to, as a file or as its 40 characters.",
                value: "file or key", usual: "none")
        case .topicPrefix: sameFlag
        }
    }
}

enum HTTPKey: String, KeySet {
    case address
    case `public`
    case hosts
    case control

    var meaning: KeyMeaning {
        switch self {
        case .address: .flag("http")
        case .public: .flag("http-public")
        case .hosts: .flag("http-host")
        case .control: .flag("http-control")
        }
    }
}

enum LogKey: String, KeySet {
    case format, level

    var meaning: KeyMeaning { .flag("log-\(rawValue)") }
}

enum StateKey: String, KeySet {
    case dir, durability, interval
    case journalSize = "journal_size"
    case journalSync = "journal_sync"
    case idleAfter = "idle_after"
    case forgetAfter = "forget_after"
    case maximumStreams = "max_streams"
    case onOtherWeights = "on_other_weights"
    case onDamagedState = "on_damaged_state"

    var meaning: KeyMeaning {
        switch self {
        case .dir: .flag("state-dir")
        case .interval: .flag("checkpoint-interval")
        case .durability, .journalSize, .journalSync, .idleAfter, .forgetAfter, .maximumStreams, .onOtherWeights,
            .onDamagedState:
            sameFlag
        }
    }
}

enum AccessKey: String, KeySet {
    case curveKey = "curve_key"
    case authorizedClients = "authorized_clients"
    case insecure
    case maximumMessageSize = "max_message_size"
    case maximumConnections = "max_connections"
    case maximumSubscriptionBytes = "max_subscription_bytes"

    var meaning: KeyMeaning { sameFlag }
}

enum ClusterKey: String, KeySet {
    case servers, node, standbys, nkey, credentials, ca, certificate, key
    case maximumStreamsPerPartition = "max_streams_per_partition"
    case retainedMessages = "retained_messages"

    var meaning: KeyMeaning {
        switch self {
        case .servers: .flag("cluster", value: "URLs, separated by commas")
        case .node, .standbys: .flag(rawValue)
        case .maximumStreamsPerPartition, .retainedMessages: sameFlag
        case .nkey, .credentials, .ca, .certificate, .key: .flag("nats-\(rawValue)")
        }
    }
}

enum ModelKey: String, KeySet {
    case file, prefixes, mode, emit, threshold, gap
    case maximumLength = "max_length"
    case onFault = "on_fault"

    var meaning: KeyMeaning {
        switch self {
        case .file:
            .own(
                "The model file (.keras, .h5 or .safetensors). A relative path starts at the folder of this file.",
                value: "file", usual: "none, it is needed")
        case .prefixes:
            .own(
                "The prefixes of the ids of the streams that the model takes. The longest prefix decides. The prefix "
                    + "\"\" takes the rest.", value: "list", usual: "[\"\"]")
        case .threshold: .flag(rawValue, meaning: "The lowest output of label 1.", value: "output or mapping")
        case .mode, .emit, .gap, .maximumLength, .onFault: sameFlag
        }
    }

    var members: [any KeySet] {
        switch self {
        case .mode: ModeKey.allCases
        case .threshold: ThresholdKey.allCases
        case .file, .prefixes, .emit, .gap, .maximumLength, .onFault: []
        }
    }
}

enum ModeKey: String, KeySet {
    case window

    var meaning: KeyMeaning { .own("The mode window, as a mapping.", value: "mapping", usual: "none") }
    var members: [any KeySet] { WindowKey.allCases }
}

enum WindowKey: String, KeySet {
    case length, stride

    var meaning: KeyMeaning {
        switch self {
        case .length: .own("The timesteps of a window.", value: "timesteps", usual: "none")
        case .stride: .own("The timesteps from one decision to the next.", value: "timesteps", usual: "none")
        }
    }
}

enum ThresholdKey: String, KeySet {
    case rise, fall

    var meaning: KeyMeaning {
        switch self {
        case .rise: .own("The lowest output at which the label becomes 1.", value: "output", usual: "none")
        case .fall: .own("The output below which the label becomes 0.", value: "output", usual: "none")
        }
    }
}
