import Foundation
import ZeroMQ

/// The authorized public keys, by role. They are read from a folder, and read again on SIGHUP.
struct AccessKeys: Sendable {
    /// The file from which each key was read, for the log.
    private var files: [EndpointRole: [CurvePublicKey: String]] = [:]

    /// Reads `producers/*.pub`, `subscribers/*.pub` and `controllers/*.pub`. A missing sub-folder authorizes no one.
    ///
    /// - Parameter folder: The folder with the sub-folders.
    /// - Throws: ``DaemonError`` with the code `noInput` if the folder or a file cannot be read, or `configuration` if
    ///   a file has no public key or everyone may write to a folder.
    init(folder: String) throws(DaemonError) {
        for role in EndpointRole.allCases {
            files[role] = [:]
            for name in try Self.names(in: folder, role.clients) where name.hasSuffix(".pub") {
                let file = "\(role.clients)/\(name)"
                do throws(CurveKeyFileError) {
                    files[role]?[try CurveKeyFile.publicKey(at: "\(folder)/\(file)")] = file
                } catch {
                    throw DaemonError(error)
                }
            }
        }
    }

    /// The number of authorized keys for each role, such as `2 producers, 0 subscribers, 1 controllers`.
    var summary: String {
        EndpointRole.allCases.map { "\(files[$0]?.count ?? 0) \($0.clients)" }.joined(separator: ", ")
    }

    /// Returns the file of a key; nil if the key is not authorized for the role.
    func file(of key: CurvePublicKey, for role: EndpointRole) -> String? { files[role]?[key] }

    /// Returns the file of a key; nil if the key is not authorized for any role.
    func file(of key: CurvePublicKey) -> String? { files.values.lazy.compactMap { $0[key] }.first }

    /// Refuses a folder that everyone may write to, because then anyone could add a key. A read-only mount is accepted,
    /// because Kubernetes mounts keys that way.
    private static func requireOwner(_ folder: String) throws(DaemonError) {
        var (status, system) = (stat(), statvfs())
        guard unsafe stat(folder, &status) == 0, status.st_mode & S_IWOTH != 0 else { return }
        guard unsafe statvfs(folder, &system) != 0 || system.f_flag & UInt(ST_RDONLY) == 0 else { return }
        throw DaemonError(
            .configuration,
            "\(folder): everyone may add a key (mode \(String(status.st_mode & 0o7777, radix: 8))); run 'chmod o-w' "
                + "on it and check its keys")
    }

    private static func names(in folder: String, _ subfolder: String) throws(DaemonError) -> [String] {
        do {
            let found = try FileManager.default.contentsOfDirectory(atPath: folder)
            try requireOwner(folder)
            guard found.contains(subfolder) else { return [] }
            try requireOwner("\(folder)/\(subfolder)")
            return try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(subfolder)").sorted()
        } catch let error as DaemonError {
            throw error
        } catch {
            var isFolder: ObjCBool = false
            let exists = unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder)
            let keys = "with the clients' keys as producers/*.pub, subscribers/*.pub and controllers/*.pub"
            let problem =
                switch (exists, isFolder.boolValue) {
                case (false, _): "there is no such folder; create it, \(keys)"
                case (true, false): "this is not a folder; give the folder, \(keys)"
                case (true, true): "permission denied; let the user of sluiced read it"
                }
            throw DaemonError(.noInput, "\(folder): the authorized clients cannot be read: \(problem)")
        }
    }
}

extension DaemonError {
    /// Creates the error for a key file that cannot be used.
    init(_ error: CurveKeyFileError) {
        self.init(error.code == .unreadable ? .noInput : .configuration, error.description)
    }
}
