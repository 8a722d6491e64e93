import FoundationEssentials
import Yams

/// The endpoint of a daemon and the keys for it, from flags, a named target or the environment. For each member, a flag
/// overrides the target, and the target overrides the environment.
package struct ConnectionSettings: Equatable, Sendable {
    /// The daemon's control endpoint.
    package var control: String?
    /// The daemon's public key: the path to a key file, or the 40-character key itself.
    package var serverKey: String?
    /// The file with this client's secret key.
    package var key: String?

    /// Creates settings. Each parameter sets the property of the same name.
    package init(control: String? = nil, serverKey: String? = nil, key: String? = nil) {
        self.control = control
        self.serverKey = serverKey
        self.key = key
    }

    /// Reads `SLUICE_CONTROL`, `SLUICE_SERVER_KEY` and `SLUICE_KEY`. An empty variable counts as unset.
    package init(environment: [String: String]) {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        control = variable("SLUICE_CONTROL")
        serverKey = variable("SLUICE_SERVER_KEY")
        key = variable("SLUICE_KEY")
    }

    /// Returns these settings with missing members filled in from other settings.
    package func completed(by other: ConnectionSettings) -> ConnectionSettings {
        ConnectionSettings(
            control: control ?? other.control, serverKey: serverKey ?? other.serverKey, key: key ?? other.key)
    }
}

/// The file of named targets: `targets.yaml` in `$XDG_CONFIG_HOME/sluice`, usually `~/.config/sluice`.
///
///     plant:
///       control: tcp://10.0.0.5:5552
///       server_key: plant.pub
///       key: ~/keys/alice.key
package struct TargetFile: Sendable {
    /// The path of the file.
    package let path: String
    private let home: String

    private static let members = ["control", "server_key", "key"]

    /// Determines the file's path. The file need not exist.
    package init(environment: [String: String]) {
        home = environment["HOME"] ?? ""
        let configured = environment["XDG_CONFIG_HOME"] ?? ""
        path = "\(configured.isEmpty ? "\(home)/.config" : configured)/sluice/targets.yaml"
    }

    /// Returns the settings of a target. Relative key paths are resolved against the file's folder.
    ///
    /// - Parameter name: The target's name.
    /// - Returns: The settings.
    /// - Throws: ``ClientError`` if the file or the target does not exist, or if the file is invalid.
    package func target(_ name: String) throws(ClientError) -> ConnectionSettings {
        let targets = try targets()
        guard let target = targets[name] else {
            let names = targets.keys.sorted().joined(separator: ", ")
            throw ClientError(
                .usage,
                "--target \(name): \(path) has no such target; "
                    + (names.isEmpty ? "it has none" : "it has \(names)"))
        }
        if let other = target.keys.filter({ !Self.members.contains($0) }).min() {
            throw ClientError(
                .data,
                "\(path): the target '\(name)' has the unknown member '\(other)'; supported: "
                    + Self.members.joined(separator: ", "))
        }
        return ConnectionSettings(
            control: target["control"], serverKey: target["server_key"].map(serverKey), key: target["key"].map(resolved)
        )
    }

    /// The names of all targets, sorted; empty if the file cannot be read.
    package var names: [String] { ((try? targets()) ?? [:]).keys.sorted() }

    private func targets() throws(ClientError) -> [String: [String: String]] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            let example = "a line 'NAME:', and below it '  control: tcp://HOST:5552'"
            let problem = FileManager.default.fileExists(atPath: path) ? "cannot be read" : "does not exist"
            throw ClientError(.noInput, "\(path) \(problem); --target needs this file, with \(example)")
        }
        do {
            return try YAMLDecoder().decode([String: [String: String]].self, from: text)
        } catch let error as DecodingError {
            throw ClientError(.data, "\(path): \(Self.words(for: error))")
        } catch {
            throw ClientError(.data, "\(path): is not YAML")
        }
    }

    private static func words(for error: DecodingError) -> String {
        guard case .dataCorrupted(let context) = error, let cause = context.underlyingError as? YamlError else {
            return "each target must be a name with the members \(members.joined(separator: ", ")) below it"
        }
        switch cause {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _):
            return "line \(mark.line) is not YAML; quote values that begin with @ or contain ': '"
        default: return "is not YAML"
        }
    }

    /// Returns the text unchanged if it is a public key; otherwise the resolved path of the key file.
    private func serverKey(_ text: String) -> String {
        text.count == 40 && !text.hasSuffix(".pub") ? text : resolved(text)
    }

    private func resolved(_ file: String) -> String {
        if file.hasPrefix("~/") { return home + file.dropFirst(1) }
        guard !file.hasPrefix("/"), let end = path.lastIndex(of: "/") else { return file }
        return path[...end] + file
    }
}
