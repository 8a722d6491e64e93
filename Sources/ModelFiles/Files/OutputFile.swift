import Glibc

/// A file that is written whole or not at all: into a new file beside it first, which then gets its name.
package enum OutputFile {
    /// Writes a file; one that is there is replaced.
    ///
    /// - Parameters:
    ///   - bytes: What it holds.
    ///   - path: Where it stands.
    ///   - mode: Its permissions, whatever the umask.
    /// - Throws: ``ModelFileError`` with the code `notWritten`.
    package static func write(_ bytes: [UInt8], to path: String, mode: UInt16) throws(ModelFileError) {
        do {
            try check(path, replacing: true)
            try write(bytes, to: path, replacing: true, mode: mode)
        } catch {
            throw ModelFileError(code: error.code, path: path, layer: error.layer, context: error.context)
        }
    }

    /// Refuses what must not be written over, before the work of making the bytes.
    ///
    /// - Throws: ``Defect``: `exists` where there is such a file, unless it may be replaced; `notWritten` where there is
    ///   something else of that name.
    static func check(_ path: String, replacing: Bool) throws(Defect) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Defect(.notWritten, "is there and is no regular file") }
        guard replacing else { throw exists }
    }

    /// Writes a file with these permissions, whatever the umask.
    ///
    /// - Throws: ``Defect``: `exists` where there is one that may not be replaced, else `notWritten`.
    static func write(
        _ bytes: [UInt8], to path: String, replacing: Bool, mode: UInt16
    ) throws(Defect) {
        let temporary = "\(path).\(UInt32.random(in: 0 ... .max))"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw notWritten }
        defer { _ = unsafe unlink(temporary) }
        do {
            defer { _ = close(descriptor) }
            guard fchmod(descriptor, mode_t(mode)) == 0, bytes.writeAll(to: descriptor), fsync(descriptor) == 0 else {
                throw notWritten
            }
        }
        if replacing {
            guard unsafe rename(temporary, path) == 0 else { throw notWritten }
        } else if unsafe link(temporary, path) != 0 {
            throw errno == EEXIST ? exists : notWritten
        }
    }

    private static var exists: Defect { Defect(.exists, "is there already; --force replaces it") }
    private static var notWritten: Defect { Defect(.notWritten, SystemError.text) }
}

extension [UInt8] {
    /// Writes all of the bytes.
    ///
    /// - Returns: Whether that went well; if not, `errno` says why.
    package func writeAll(to descriptor: Int32) -> Bool {
        var written = 0
        while written < count {
            let length = unsafe withUnsafeBytes { buffer in
                unsafe write(descriptor, buffer.baseAddress.map { unsafe $0 + written }, count - written)
            }
            if length < 0 && errno == EINTR { continue }
            guard length > 0 else { return false }
            written += length
        }
        return true
    }
}
