import Glibc

/// A file with a public key or a key pair, in the format of CZMQ's certificates. pyzmq's `zmq.auth` reads and writes
/// the same format.
///
///     # Sluice: the public key of alice.
///     curve
///         public-key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
public enum CurveKeyFile {
    /// Reads a public key.
    ///
    /// - Parameter path: The file.
    /// - Returns: The key.
    /// - Throws: ``CurveKeyFileError`` with the code `unreadable`, or `noKey` if the file has no public key.
    public static func publicKey(at path: String) throws(CurveKeyFileError) -> CurvePublicKey {
        let text = try contents(of: path).text
        guard value(of: secretName, in: text) == nil else {
            let name = path.hasSuffix(".key") ? path.dropLast(4) + ".pub" : "NAME.pub"
            throw CurveKeyFileError(
                .noKey, path,
                "has a secret key, which only its owner may have; give the file with the public key, \(name)")
        }
        guard let key = value(of: publicName, in: text).flatMap({ CurvePublicKey(z85: $0) }) else {
            throw CurveKeyFileError(
                .noKey, path, "has no public key; run 'sluice keygen NAME' to create one in NAME.pub")
        }
        return key
    }

    /// Reads a secret key. If the current user owns the file, no one else may have access to it. If the file has
    /// another owner, as under systemd or Kubernetes, its group may have read access.
    ///
    /// - Parameter path: The file.
    /// - Returns: The secret key with its public key.
    /// - Throws: ``CurveKeyFileError`` with the code `unreadable`, `exposed` if others have access to the file, or
    ///   `noKey`.
    public static func keyPair(at path: String) throws(CurveKeyFileError) -> CurveKeyPair {
        let file = try contents(of: path)
        let text = file.text
        guard value(of: secretName, in: text) != nil || value(of: publicName, in: text) == nil else {
            throw CurveKeyFileError(
                .noKey, path, "has only a public key; give the file with the secret key, NAME.key")
        }
        if let mode = file.exposedMode {
            throw CurveKeyFileError(
                .exposed, path,
                "is accessible to others (mode \(mode)); run chmod 600 on it, and create a new key if others may have "
                    + "read it")
        }
        guard let keys = value(of: secretName, in: text).flatMap({ CurveKeyPair(secretZ85: $0) }) else {
            throw CurveKeyFileError(
                .noKey, path, "has no secret key; run 'sluice keygen NAME' to create one in NAME.key")
        }
        return keys
    }

    /// Writes a pair to `NAME.key`, which only its owner can read, and its public key to `NAME.pub`. Neither file may
    /// exist yet.
    ///
    /// - Parameters:
    ///   - keys: The pair.
    ///   - name: The path of the files, without the extension.
    /// - Throws: ``CurveKeyFileError`` with the code `exists` or `notWritten`.
    public static func write(_ keys: CurveKeyPair, name: String) throws(CurveKeyFileError) {
        let owner = name.split(separator: "/").last.map(String.init) ?? name
        let line = "    \(publicName) = \"\(keys.publicKey)\"\n"
        let secretLine = "    \(secretName) = \"\(keys.secretZ85)\"\n"
        try create(
            "\(name).key", isSecret: true,
            "# Sluice: the secret key of \(owner). Anyone who can read it can act as \(owner).\ncurve\n" + line
                + secretLine)
        do throws(CurveKeyFileError) {
            try create(
                "\(name).pub", isSecret: false,
                "# Sluice: the public key of \(owner).\ncurve\n" + line)
        } catch {
            // Do not leave half of a pair behind.
            _ = unsafe unlink("\(name).key")
            throw error
        }
    }

    private static let publicName = "public-key"
    private static let secretName = "secret-key"

    /// Returns the value of the first line of the form `name = "value"`; nil if there is none. Comments begin with `#`.
    private static func value(of name: String, in text: String) -> String? {
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.drop(while: \.isWhitespace)
            guard line.hasPrefix(name) else { continue }
            let rest = line.dropFirst(name.count).drop(while: \.isWhitespace)
            guard rest.first == "=" else { continue }
            let value = rest.dropFirst().drop(while: \.isWhitespace)
            guard let quote = value.first, quote == "\"" || quote == "'" else { return nil }
            return String(value.dropFirst().prefix { $0 != quote })
        }
        return nil
    }

    private static func contents(of path: String) throws(CurveKeyFileError) -> PrivateFile {
        do throws(PrivateFile.Failure) {
            return try PrivateFile(path)
        } catch {
            throw CurveKeyFileError(.unreadable, path, "cannot be read: \(reason(error))")
        }
    }

    private static func create(_ path: String, isSecret: Bool, _ text: String) throws(CurveKeyFileError) {
        do throws(PrivateFile.Failure) {
            try PrivateFile.create(path, isSecret: isSecret, text)
        } catch {
            if error.code == EEXIST {
                throw CurveKeyFileError(
                    .exists, path, "exists already and keys are never overwritten; choose another name")
            }
            throw CurveKeyFileError(.notWritten, path, "cannot be written: \(reason(error))")
        }
    }

    /// The system's reason, with a remedy if there is one.
    private static func reason(_ failure: PrivateFile.Failure) -> String {
        switch failure.code {
        case ENOENT, ENOTDIR:
            "there is no such file or folder; check the path, or run 'sluice keygen NAME' to create keys"
        case EACCES, EPERM: "permission denied; run this command as the owner, or choose another path"
        default: failure.text
        }
    }
}

/// A failure to read or write a key file.
public struct CurveKeyFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of error.
    public enum Code: Sendable {
        /// The file does not exist or cannot be read.
        case unreadable
        /// A secret key is accessible to others.
        case exposed
        /// The file does not contain the key.
        case noKey
        /// The file already exists.
        case exists
        /// The file could not be created.
        case notWritten
    }

    /// The kind of error.
    public let code: Code
    /// The file.
    public let path: String
    /// The problem and its remedy, on one line.
    public let problem: String

    init(_ code: Code, _ path: String, _ problem: String) {
        self.code = code
        self.path = path
        self.problem = problem
    }

    /// The error in one line.
    public var description: String { "\(path): \(problem)" }
}
