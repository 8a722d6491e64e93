import Glibc

/// A file with one key, or a pair: the certificates of CZMQ, which pyzmq's `zmq.auth` reads and writes too.
///
///     # Sluice: the public key of alice.
///     curve
///         public-key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
public enum CurveKeyFile {
    /// More than any such file has.
    private static let maximumBytes = 65_536

    /// Reads a public key.
    ///
    /// - Parameter path: The file.
    /// - Returns: The key.
    /// - Throws: ``CurveKeyFileError``: `unreadable`, or `noKey` for a file without one.
    public static func publicKey(at path: String) throws(CurveKeyFileError) -> CurvePublicKey {
        let (text, _) = try contents(of: path)
        guard let key = value(of: publicName, in: text).flatMap({ CurvePublicKey(z85: $0) }) else {
            throw CurveKeyFileError(
                .noKey, path, "has no public key: 'sluice keygen NAME' writes one, as NAME.pub")
        }
        return key
    }

    /// Reads a secret key. A file of one's own must be open to nobody else; one that another owner hands over, as systemd and
    /// Kubernetes do, may be open to a group, by which it is read.
    ///
    /// - Parameter path: The file.
    /// - Returns: The key, with the public one.
    /// - Throws: ``CurveKeyFileError``: `unreadable`, `exposed` where others may read it, or `noKey`.
    public static func keyPair(at path: String) throws(CurveKeyFileError) -> CurveKeyPair {
        let (text, status) = try contents(of: path)
        let mode = status.st_mode
        let others = status.st_uid == geteuid() ? S_IRWXG | S_IRWXO : S_IWGRP | S_IRWXO
        guard mode & others == 0 else {
            throw CurveKeyFileError(
                .exposed, path,
                "is open to others than its owner (mode \(octal(mode))): chmod 600 it, and make a new key if others may "
                    + "have read it")
        }
        guard let keys = value(of: secretName, in: text).flatMap({ CurveKeyPair(secretZ85: $0) }) else {
            throw CurveKeyFileError(
                .noKey, path, "has no secret key: 'sluice keygen NAME' writes one, as NAME.key")
        }
        return keys
    }

    /// Writes a pair as `NAME.key`, which its owner alone can read, and `NAME.pub`. Neither may be there.
    ///
    /// - Parameters:
    ///   - keys: The pair.
    ///   - name: The files' path without the ending.
    /// - Throws: ``CurveKeyFileError``: `exists`, or `notWritten`.
    public static func write(_ keys: CurveKeyPair, name: String) throws(CurveKeyFileError) {
        let owner = name.split(separator: "/").last.map(String.init) ?? name
        let line = "    \(publicName) = \"\(keys.publicKey)\"\n"
        let secretLine = "    \(secretName) = \"\(keys.secretZ85)\"\n"
        try create(
            "\(name).key", isSecret: true,
            "# Sluice: the secret key of \(owner). Whoever can read it can pass for \(owner).\ncurve\n" + line
                + secretLine)
        do throws(CurveKeyFileError) {
            try create(
                "\(name).pub", isSecret: false,
                "# Sluice: the public key of \(owner).\ncurve\n" + line)
        } catch {
            // Half of a pair is worth nothing.
            _ = unsafe unlink("\(name).key")
            throw error
        }
    }

    private static let publicName = "public-key"
    private static let secretName = "secret-key"

    /// The value of `name = "value"`; comments begin with `#`.
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

    /// Text, owner and mode by one descriptor, so that all are of the same file.
    private static func contents(of path: String) throws(CurveKeyFileError) -> (text: String, status: stat) {
        func unreadable() -> CurveKeyFileError {
            CurveKeyFileError(.unreadable, path, "cannot be read: \(unsafe String(cString: strerror(errno)))")
        }
        // Does not wait for the other end of a pipe.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable() }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable() }
        var bytes = [UInt8](repeating: 0, count: maximumBytes)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw unreadable() }
        return (String(decoding: bytes.prefix(count), as: UTF8.self), status)
    }

    /// A secret file is its owner's alone, whatever the umask; the other is as public as the umask lets it be.
    private static func create(_ path: String, isSecret: Bool, _ text: String) throws(CurveKeyFileError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, isSecret ? 0o600 : 0o644)
        guard descriptor >= 0 else {
            if errno == EEXIST {
                throw CurveKeyFileError(
                    .exists, path, "is there already; a key is not written over, choose another name")
            }
            throw CurveKeyFileError(.notWritten, path, "cannot be created: \(unsafe String(cString: strerror(errno)))")
        }
        let bytes = Array(text.utf8)
        let isPrivate = !isSecret || fchmod(descriptor, 0o600) == 0
        let isWritten =
            unsafe isPrivate && Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let reason = unsafe String(cString: strerror(errno))
        close(descriptor)
        guard isWritten else {
            _ = unsafe unlink(path)
            throw CurveKeyFileError(.notWritten, path, "cannot be written: \(reason)")
        }
    }

    private static func octal(_ mode: mode_t) -> String { String(mode & 0o777, radix: 8) }
}

/// A key file that was not read or not written.
public struct CurveKeyFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of error.
    public enum Code: Sendable {
        /// The file is not there, or may not be read.
        case unreadable
        /// Others than its owner may read a secret key.
        case exposed
        /// There is no such key in it.
        case noKey
        /// The file is there already.
        case exists
        /// The file could not be created.
        case notWritten
    }

    /// What kind of error it is.
    public let code: Code
    /// The file.
    public let path: String
    /// What was wrong with it and what to do, in one line.
    public let problem: String

    init(_ code: Code, _ path: String, _ problem: String) {
        self.code = code
        self.path = path
        self.problem = problem
    }

    /// The error in one line.
    public var description: String { "\(path): \(problem)" }
}
