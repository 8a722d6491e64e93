import Foundation
import ModelFiles
import Streams
import Wire
import Yams
import ZeroMQ

extension DaemonConfiguration {
    /// Reads a YAML file, such as `deploy/sluice.yaml`. Paths in the file may be relative to the file's folder.
    ///
    /// - Parameter path: The path of the file.
    /// - Throws: ``DaemonError`` with the code `noInput` if the file cannot be read, or `configuration` if its contents
    ///   are invalid. The latter error names the file and line.
    public init(file path: String) throws(DaemonError) {
        let bytes: [UInt8]
        do throws(Defect) {
            bytes = try FileBytes(path).all()
        } catch {
            throw DaemonError(.noInput, "\(path) cannot be read: \(error.context)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DaemonError(.configuration, "\(path):1: this is not text in UTF-8; save the file as UTF-8")
        }
        try self.init(text: text, path: path)
    }

    /// Reads the contents of a YAML file.
    ///
    /// - Parameters:
    ///   - text: The contents of the file.
    ///   - path: The path of the file. Errors mention this path. Paths in the file may be relative to the file's
    ///     folder.
    /// - Throws: ``DaemonError`` with the code `configuration` if the contents are invalid. The error names the file
    ///   and line.
    package init(text: String, path: String) throws(DaemonError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            let fault = YAMLFault(error, in: text)
            throw DaemonError(.configuration, "\(path):\(fault.line): \(fault.problem)")
        }
        guard let root else {
            throw DaemonError(.configuration, "\(path):1: the file is empty; give at least 'models'")
        }
        self = try ConfigurationReader(path: path).configuration(YAMLValue(root, file: path))
    }
}

/// Reads the keys of the file into a configuration.
private struct ConfigurationReader {
    let path: String

    func configuration(_ root: YAMLValue) throws(DaemonError) -> DaemonConfiguration {
        var configuration = DaemonConfiguration()
        try root.forEachMember { (key: FileKey, value) throws(DaemonError) in
            switch key {
            case .ingest: configuration.ingest = try ingest(value)
            case .decisions: configuration.decisions = try decisions(value)
            case .control:
                configuration.control = try value.parsed { text throws(EndpointError) in try Endpoint(text) }
            case .http: configuration.http = try HTTPConfiguration(value, resolved: resolved)
            case .log: try log(value, into: &configuration)
            case .state: try state(value, into: &configuration)
            case .access: configuration.access = try AccessConfiguration(value, resolved: resolved)
            case .lastValue: configuration.lastValue = try value.truth
            case .highWaterMark:
                configuration.highWaterMark = try value.wholeNumber
                guard DaemonConfiguration.isHighWaterMark(configuration.highWaterMark) else {
                    throw value.error("'high_water_mark' must be from 1 to 100000000 messages")
                }
            case .history:
                configuration.historyPoints = try value.number(in: DaemonConfiguration.historySizes, key)
            case .historyBytes:
                configuration.historyBytes = try value.number(in: DaemonConfiguration.historyByteCounts, key)
            case .workers: configuration.workers = try threadCount(value, key)
            case .ioThreads: configuration.ioThreads = try threadCount(value, key)
            case .cluster: configuration.cluster = try cluster(value)
            case .models: configuration.models = try models(value)
            }
        }
        guard !configuration.models.isEmpty else { throw root.error("there is no model to serve; give 'models'") }
        return configuration
    }

    private func cluster(_ value: YAMLValue) throws(DaemonError) -> ClusterConfiguration {
        var cluster = ClusterConfiguration(servers: "")
        try value.forEachMember { (key: ClusterKey, value) throws(DaemonError) in
            switch key {
            case .servers: cluster.servers = try value.text.split(separator: ",").map { String($0) }
            case .node: cluster.node = try value.text
            case .standbys: cluster.standbys = try value.number(in: ClusterConfiguration.standbyCounts, key)
            case .maximumStreamsPerPartition:
                let count = try value.wholeNumber
                guard count >= 1 else { throw value.error("'\(key.rawValue)' must be at least 1") }
                cluster.maximumStreamsPerPartition = count
            case .retainedMessages:
                cluster.retainedMessages = try value.number(in: ClusterConfiguration.retainedMessageCounts, key)
            case .nkey: cluster.nkeyFile = resolved(try value.text)
            case .credentials: cluster.credentialsFile = resolved(try value.text)
            case .ca: cluster.authorityFile = resolved(try value.text)
            case .certificate: cluster.certificateFile = resolved(try value.text)
            case .key: cluster.keyFile = resolved(try value.text)
            }
        }
        guard !cluster.servers.isEmpty else {
            throw value.error("'cluster' needs 'servers', the URLs of the NATS servers")
        }
        return cluster
    }

    private func threadCount(_ value: YAMLValue, _ key: FileKey) throws(DaemonError) -> Int {
        let count = try value.wholeNumber
        guard DaemonConfiguration.isThreadCount(count) else {
            throw value.error(
                "'\(key.rawValue)' must be a whole number from 1 to \(DaemonConfiguration.maximumThreads)")
        }
        return count
    }

    private func ingest(_ value: YAMLValue) throws(DaemonError) -> [DaemonConfiguration.Ingest] {
        let entries = try value.elements.map { element throws(DaemonError) in
            let entry: EndpointEntry<IngestCodec, IngestEndpoint> = try endpoint(
                element, [.endpoint, .codec, .serverKey]
            ) { text throws(EndpointError) in try IngestEndpoint(text) }
            return DaemonConfiguration.Ingest(
                entry.endpoint, codec: entry.codec ?? .binary, serverKey: entry.serverKey)
        }
        guard !entries.isEmpty else { throw value.error("'ingest' needs at least one endpoint") }
        return entries
    }

    private func decisions(_ value: YAMLValue) throws(DaemonError) -> [DaemonConfiguration.Decisions] {
        let entries = try value.elements.map { element throws(DaemonError) in
            let entry: EndpointEntry<DecisionCodec, Endpoint> = try endpoint(
                element, [.endpoint, .codec, .topicPrefix]
            ) { text throws(EndpointError) in try Endpoint(text) }
            return DaemonConfiguration.Decisions(
                entry.endpoint, codec: entry.codec ?? .binary,
                topicPrefix: entry.topicPrefix ?? DecisionBatch.topicPrefix)
        }
        guard !entries.isEmpty else { throw value.error("'decisions' needs at least one endpoint") }
        return entries
    }

    /// An endpoint with its optional members.
    private struct EndpointEntry<Codec, Place> {
        let endpoint: Place
        var codec: Codec?
        var serverKey: CurvePublicKey?
        var topicPrefix: String?
    }

    /// Reads an endpoint, either as text such as `json:@tcp://…` or as `{endpoint: …, codec: json}`.
    private func endpoint<Codec: RawRepresentable<String> & CaseIterable, Place>(
        _ value: YAMLValue, _ keys: [EndpointKey], _ parse: (String) throws(EndpointError) -> Place
    ) throws(DaemonError) -> EndpointEntry<Codec, Place> {
        guard value.isMapping else {
            let coded = try value.parsed { text throws(EndpointError) in
                try CodedEndpoint<Codec, Place>(text, read: parse)
            }
            return EndpointEntry(endpoint: coded.endpoint, codec: coded.codec)
        }
        var endpoint: Place?
        var codec: Codec?
        var serverKey: CurvePublicKey?
        var topicPrefix: String?
        try value.forEachMember(of: keys) { (key: EndpointKey, member) throws(DaemonError) in
            switch key {
            case .endpoint: endpoint = try member.parsed(parse)
            case .codec: codec = try member.choice()
            case .serverKey: serverKey = try publicKey(member)
            case .topicPrefix: topicPrefix = try self.topicPrefix(member)
            }
        }
        guard let endpoint else { throw value.error("'endpoint' is missing") }
        return EndpointEntry(endpoint: endpoint, codec: codec, serverKey: serverKey, topicPrefix: topicPrefix)
    }

    private func topicPrefix(_ value: YAMLValue) throws(DaemonError) -> String {
        let prefix = try value.text
        guard DaemonConfiguration.isTopicPrefix(prefix) else {
            throw value.error("'topic_prefix' must be \(DaemonConfiguration.topicPrefixNotation)")
        }
        return prefix
    }

    private func log(_ value: YAMLValue, into configuration: inout DaemonConfiguration) throws(DaemonError) {
        try value.forEachMember { (key: LogKey, member) throws(DaemonError) in
            switch key {
            case .format: configuration.logFormat = try member.choice()
            case .level: configuration.logLevel = try member.choice()
            }
        }
    }

    /// Reads a public key, which is given as the path of a key file or as the key itself.
    private func publicKey(_ value: YAMLValue) throws(DaemonError) -> CurvePublicKey {
        let text = try value.text
        if let key = CurvePublicKey(z85: text) { return key }
        let path = try value.path(resolved)
        do throws(CurveKeyFileError) {
            return try CurveKeyFile.publicKey(at: path)
        } catch {
            throw value.error("'server_key': \(error)")
        }
    }

    private func state(_ value: YAMLValue, into configuration: inout DaemonConfiguration) throws(DaemonError) {
        try value.forEachMember { (key: StateKey, member) throws(DaemonError) in
            switch key {
            case .dir: configuration.stateFolder = try member.path(resolved)
            case .durability: configuration.durability = try member.choice()
            case .journalSync: configuration.journalSync = try member.choice()
            case .journalSize:
                let megabytes = try member.wholeNumber
                guard DaemonConfiguration.isJournalSize(megabytes) else {
                    throw member.error("'journal_size' must be a whole number of megabytes from 1 to 1000000")
                }
                configuration.journalMegabytes = megabytes
            case .onOtherWeights: configuration.onOtherWeights = try member.choice()
            case .onDamagedState: configuration.onDamagedState = try member.choice()
            case .idleAfter: configuration.idleAfter = try interval(member, key)
            case .forgetAfter: configuration.forgetAfter = try interval(member, key)
            case .maximumStreams:
                let count = try member.wholeNumber
                guard count >= 1 else { throw member.error("'max_streams' must be at least 1") }
                configuration.maximumStreams = count
            case .interval: configuration.checkpointInterval = try interval(member, key)
            }
        }
    }

    private func interval(_ value: YAMLValue, _ key: StateKey) throws(DaemonError) -> Double {
        let seconds = try value.number
        guard DaemonConfiguration.isInterval(seconds) else {
            throw value.error("'\(key.rawValue)' must be more than 0 seconds and at most a year")
        }
        return seconds
    }

    private func models(_ value: YAMLValue) throws(DaemonError) -> [DaemonConfiguration.Model] {
        var models: [DaemonConfiguration.Model] = []
        var owners: [[UInt8]: String] = [:]
        try value.forEachNamedMember { key, member throws(DaemonError) in
            let name = try key.text
            var model = DaemonConfiguration.Model(name: name, file: "", policy: ServingPolicy())
            try member.forEachMember { (key: ModelKey, option) throws(DaemonError) in
                switch key {
                case .file: model.file = try option.path(resolved)
                case .prefixes: model.policy.prefixes = try prefixes(option, of: name, owners: &owners)
                case .mode: model.mode = try mode(option)
                case .emit: model.emit = try option.choice()
                case .threshold: model.threshold = try threshold(option)
                case .onFault: model.policy.fault = try option.choice()
                case .maximumLength: model.policy.maximumLength = try maximumLength(option)
                case .gap: model.policy.gap = try option.choice()
                }
            }
            guard !model.file.isEmpty else { throw member.error("model '\(name)' needs a 'file'") }
            if owners.values.contains(name) == false {
                try claim("", for: name, at: member, owners: &owners)
            }
            models.append(model)
        }
        return models
    }

    /// Reads a mode, written either as in the flags or as `{window: {length: …, stride: …}}`.
    private func mode(_ value: YAMLValue) throws(DaemonError) -> ServingPolicy.Mode {
        guard value.isMapping else {
            let text = try value.text
            guard let mode = ServingPolicy.Mode(text) else {
                throw value.error("'\(text)' is not a mode; give \(ServingPolicy.Mode.notation)")
            }
            return mode
        }
        var mode: ServingPolicy.Mode?
        try value.forEachMember { (key: ModeKey, member) throws(DaemonError) in
            switch key {
            case .window: mode = .window(try window(member))
            }
        }
        guard let mode else { throw value.error("'window' is missing") }
        return mode
    }

    private func window(_ value: YAMLValue) throws(DaemonError) -> ServingPolicy.Window {
        var length: Int?
        var stride: Int?
        try value.forEachMember { (key: WindowKey, member) throws(DaemonError) in
            switch key {
            case .length: length = try member.wholeNumber
            case .stride: stride = try member.wholeNumber
            }
        }
        guard let length, let stride, let window = ServingPolicy.Window(length: length, stride: stride) else {
            throw value.error(
                "give a window as {length: L, stride: S}, L from 1 to \(ServingPolicy.Window.lengths.upperBound), S at least 1"
            )
        }
        return window
    }

    private func maximumLength(_ value: YAMLValue) throws(DaemonError) -> Int {
        let length = try value.wholeNumber
        guard ServingPolicy.maximumLengths.contains(length) else {
            throw value.error("'max_length' must be from 1 to \(ServingPolicy.maximumLengths.upperBound)")
        }
        return length
    }

    private func prefixes(
        _ value: YAMLValue, of model: String, owners: inout [[UInt8]: String]
    ) throws(DaemonError) -> [String] {
        var prefixes: [String] = []
        for element in value.elements {
            try claim(try element.text, for: model, at: element, owners: &owners)
            prefixes.append(try element.text)
        }
        guard !prefixes.isEmpty else {
            throw value.error("'prefixes' needs at least one prefix; \"\" matches all streams")
        }
        return prefixes
    }

    private func claim(
        _ prefix: String, for model: String, at value: YAMLValue, owners: inout [[UInt8]: String]
    ) throws(DaemonError) {
        guard let other = owners.updateValue(model, forKey: Array(prefix.utf8)) else { return }
        let remedy =
            prefix.isEmpty
            ? "each takes all streams. Give one of them the beginnings of its streams' ids, such as prefixes: "
                + "[\"\(model)-\"]"
            : "give each model other prefixes"
        throw value.error("the prefix \"\(prefix)\" of model '\(model)' already belongs to '\(other)'; \(remedy)")
    }

    /// Reads a threshold, either as one number for both limits or as `{rise: …, fall: …}`.
    private func threshold(_ value: YAMLValue) throws(DaemonError) -> ServingPolicy.Threshold {
        var rise: Double?
        var fall: Double?
        if value.isMapping {
            try value.forEachMember { (key: ThresholdKey, member) throws(DaemonError) in
                switch key {
                case .rise: rise = try member.number
                case .fall: fall = try member.number
                }
            }
        } else {
            rise = try value.number
            fall = rise
        }
        guard let rise, let fall, let threshold = ServingPolicy.Threshold(rise: Float(rise), fall: Float(fall)) else {
            throw value.error("a threshold must be a number, or {rise: R, fall: F} with F ≤ R")
        }
        return threshold
    }

    private func resolved(_ file: String) -> String {
        guard !file.hasPrefix("/"), !file.isEmpty else { return file }
        let folder = (path as NSString).deletingLastPathComponent
        return folder.isEmpty ? file : "\(folder)/\(file)"
    }
}
