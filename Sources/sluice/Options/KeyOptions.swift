import ArgumentParser
import Client
import ZeroMQ

/// Who the tool is, for a daemon that asks for keys.
struct KeyOptions: ParsableArguments {
    // One key of 85 begins with a dash.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The daemon's public key: a file that 'sluice keygen' wrote, or the 40 characters. Goes with --key "
                + "(default: none).", valueName: "file|key"))
    var serverKey: String?

    @Option(
        help: ArgumentHelp(
            "This client's secret key, a file that 'sluice keygen' wrote (default: none).", valueName: "file"))
    var key: String?

    func validate() throws {
        guard (serverKey == nil) == (key == nil) else {
            throw ValidationError(
                "--server-key and --key go together: the daemon's public key, and your own secret one")
        }
    }

    /// The keys that were given; nil where none were.
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
    /// A key file that was not read or not written.
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
