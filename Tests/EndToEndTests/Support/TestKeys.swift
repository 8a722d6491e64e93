import Foundation
import TestSupport
import ZeroMQ

/// The keys of a daemon and its clients, in a folder with the layout that an operator would use.
final class TestKeys {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: clients, withIntermediateDirectories: false)
        try make("daemon")
    }

    /// The folder of the authorized clients.
    var clients: String { folder.path("clients") }

    /// The flags that make a daemon use these keys.
    var flags: [String] { ["--curve-key", path("daemon.key"), "--authorized-clients", clients] }

    func path(_ name: String) -> String { folder.path(name) }

    /// Creates a key pair.
    ///
    /// - Parameters:
    ///   - name: The name of the owner.
    ///   - roles: Any of `producers`, `subscribers` and `controllers`.
    /// - Throws: An error if the files cannot be written.
    func make(_ name: String, _ roles: String...) throws {
        try CurveKeyFile.write(try CurveKeyPair(), name: path(name))
        for role in roles { try authorize(name, role) }
    }

    func authorize(_ name: String, _ role: String) throws {
        try FileManager.default.createDirectory(atPath: "\(clients)/\(role)", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: path("\(name).pub"), toPath: "\(clients)/\(role)/\(name).pub")
    }

    func revoke(_ name: String, _ role: String) throws {
        try FileManager.default.removeItem(atPath: "\(clients)/\(role)/\(name).pub")
    }

    /// Reads the credentials of a client.
    ///
    /// - Parameters:
    ///   - name: The name of the client's keys.
    ///   - server: The name of the key that the client expects the server to have.
    /// - Returns: The client's keys and the server's public key.
    /// - Throws: An error if there are no such keys.
    func credentials(_ name: String, server: String = "daemon") throws -> CurveCredentials {
        CurveCredentials(keys: try CurveKeyFile.keyPair(at: path("\(name).key")), server: try publicKey(server))
    }

    func publicKey(_ name: String) throws -> CurvePublicKey { try CurveKeyFile.publicKey(at: path("\(name).pub")) }
}
