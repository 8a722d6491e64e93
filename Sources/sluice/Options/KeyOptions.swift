import ArgumentParser
import Client
import ZeroMQ

/// The tool's keys, for a daemon that requires keys.
struct KeyOptions: ParsableArguments {
    // One key in 85 begins with a dash.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The daemon's public key: a file from 'sluice keygen', or its 40 characters. Needs --key "
                + "(default: none).", valueName: "file|key"))
    var serverKey: String?

    @Option(
        help: ArgumentHelp(
            "This client's secret key, a file from 'sluice keygen' (default: none).", valueName: "file"))
    var key: String?

    func validate() throws {
        guard (serverKey == nil) == (key == nil) else {
            throw ValidationError(
                "give both --server-key (the daemon's public key) and --key (your secret key), or neither")
        }
    }

    /// Returns the given keys; nil if there are none.
    func credentials() throws(ClientError) -> CurveCredentials? {
        guard let serverKey, let key else { return nil }
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
    /// Creates an error with the status that fits a key file's error.
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
