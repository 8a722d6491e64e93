import ArgumentParser
import Client
import Foundation
import ZeroMQ

/// The options that state where the daemon is and, if it requires keys, which keys to use.
struct PlaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's control endpoint: tcp://HOST:PORT or ipc://PATH. With @ in front, the tool binds (default: of "
                + "the target, $SLUICE_CONTROL or \(ControlClient.defaultEndpoint)).",
            valueName: "endpoint"))
    var control: String?

    // Accept any word as the value, because one key in 85 begins with a dash.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The daemon's public key: a file from 'sluice keygen', or its 40 characters. Needs --key (default: of the "
                + "target, or $SLUICE_SERVER_KEY).", valueName: "file|key"),
        completion: .file(extensions: ["pub"]))
    var serverKey: String?

    @Option(
        help: ArgumentHelp(
            "This client's secret key, a file from 'sluice keygen' (default: of the target, or $SLUICE_KEY).",
            valueName: "file"),
        completion: .file(extensions: ["key"]))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "A named daemon in ~/.config/sluice/targets.yaml (default: none).", valueName: "name"),
        completion: .custom { _, _, _ in TargetFile(environment: ProcessInfo.processInfo.environment).names })
    var target: String?

    /// Returns the control endpoint and the keys.
    ///
    /// - Throws: ``ClientError`` if the target or a key cannot be read, or if one of the two keys is missing.
    func resolved() throws(ClientError) -> (control: String, credentials: CurveCredentials?) {
        let environment = ProcessInfo.processInfo.environment
        var settings = ConnectionSettings(control: control, serverKey: serverKey, key: key)
        if let target { settings = settings.completed(by: try TargetFile(environment: environment).target(target)) }
        settings = settings.completed(by: ConnectionSettings(environment: environment))
        return (settings.control ?? ControlClient.defaultEndpoint, try Self.credentials(settings))
    }

    /// Returns the given keys; nil if there are none.
    private static func credentials(_ settings: ConnectionSettings) throws(ClientError) -> CurveCredentials? {
        guard (settings.serverKey == nil) == (settings.key == nil) else {
            throw ClientError(
                .usage,
                "give both --server-key (the daemon's public key) and --key (your secret key), or neither; a target and "
                    + "SLUICE_SERVER_KEY and SLUICE_KEY count too")
        }
        guard let serverKey = settings.serverKey, let key = settings.key else { return nil }
        do {
            let written = CurvePublicKey(z85: serverKey)
            let server = if let written { written } else { try CurveKeyFile.publicKey(at: serverKey) }
            return CurveCredentials(keys: try CurveKeyFile.keyPair(at: key), server: server)
        } catch {
            throw ClientError(error)
        }
    }
}

extension ClientError {
    /// Creates an error with the status that corresponds to a key file's error.
    init(_ error: CurveKeyFileError) {
        let status: ExitStatus =
            switch error.code {
            case .unreadable: .noInput
            case .exposed: .refused
            case .noKey: .data
            case .exists, .notWritten: .cannotCreate
            }
        self.init(status, "\(error)")
    }
}
