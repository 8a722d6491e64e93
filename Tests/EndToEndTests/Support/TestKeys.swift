import Foundation
import TestSupport
import ZeroMQ

/// The keys of a daemon and of its clients, in a folder as an operator would have it.
final class TestKeys {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: clients, withIntermediateDirectories: false)
        try make("daemon")
    }

    /// The folder of the authorized clients.
    var clients: String { folder.path("clients") }

    /// The daemon's flags.
    var flags: [String] { ["--curve-key", path("daemon.key"), "--authorized-clients", clients] }

    func path(_ name: String) -> String { folder.path(name) }

    /// Makes a pair of keys.
    ///
    /// - Parameters:
    ///   - name: Whose they are.
    ///   - roles: `producers`, `subscribers` and `controllers` as they apply.
    /// - Throws: Where the files cannot be written.
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

    /// What a client shows.
    ///
    /// - Parameters:
    ///   - name: Whose keys it has.
    ///   - server: Whom it takes the daemon for.
    /// - Returns: Its keys and the other's public one.
    /// - Throws: Where there are no such keys.
    func credentials(_ name: String, server: String = "daemon") throws -> CurveCredentials {
        CurveCredentials(keys: try CurveKeyFile.keyPair(at: path("\(name).key")), server: try publicKey(server))
    }

    func publicKey(_ name: String) throws -> CurvePublicKey { try CurveKeyFile.publicKey(at: path("\(name).pub")) }
}
