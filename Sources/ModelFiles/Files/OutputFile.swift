import Glibc

/// A file that appears whole or not at all. The bytes are written to a temporary file in the same folder, which then
/// takes the final name.
package enum OutputFile {
    /// Writes a file, replacing any existing file.
    ///
    /// - Parameters:
    ///   - bytes: The content.
    ///   - path: The path.
    ///   - mode: The permissions, regardless of the umask.
    /// - Throws: ``ModelFileError`` with the code `notWritten`.
    package static func write(_ bytes: [UInt8], to path: String, mode: UInt16) throws(ModelFileError) {
        do {
            try check(path, replacing: true)
            try write(bytes, to: path, replacing: true, mode: mode)
        } catch {
            throw ModelFileError(code: error.code, path: path, layer: error.layer, context: error.context)
        }
    }

    /// Checks whether a file may be written. Call this before producing the file's content.
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - replacing: Whether to replace an existing file.
    /// - Throws: ``ModelFileError`` with the code `exists` or `notWritten`.
    package static func checkOutput(_ path: String, replacing: Bool) throws(ModelFileError) {
        try ModelFile.named(path) { () throws(Defect) in try check(path, replacing: replacing) }
    }

    /// Checks whether a file may be written. Call this before producing the file's content.
    ///
    /// - Throws: ``Defect`` with the code `exists` if the file exists and may not be replaced, or `notWritten` if the
    ///   path is not a regular file or its folder cannot be written.
    static func check(_ path: String, replacing: Bool) throws(Defect) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            let slash = path.lastIndex(of: "/")
            let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
            guard unsafe access(folder, W_OK) == 0 else { throw notWritten }
            return
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Defect(.notWritten, "exists and is not a regular file") }
        guard replacing else { throw exists }
    }

    /// Writes a file with the given permissions, regardless of the umask.
    ///
    /// - Throws: ``Defect`` with the code `exists` if the file exists and may not be replaced, or `notWritten` if
    ///   writing fails.
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

    private static var exists: Defect { Defect(.exists, "exists already; give --force to replace it") }
    private static var notWritten: Defect { Defect(.notWritten, SystemError.text) }
}

extension [UInt8] {
    /// Writes all of the bytes.
    ///
    /// - Returns: Whether the write succeeded; if not, `errno` holds the reason.
    package func writeAll(to descriptor: Int32) -> Bool { unsafe span.bytes.writeAll(to: descriptor) }
}

extension RawSpan {
    /// Writes all of the bytes.
    ///
    /// - Returns: Whether the write succeeded; if not, `errno` holds the reason.
    func writeAll(to descriptor: Int32) -> Bool {
        unsafe withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let length = unsafe write(
                    descriptor, buffer.baseAddress.map { unsafe $0 + written }, buffer.count - written)
                if length < 0 && errno == EINTR { continue }
                guard length > 0 else { return false }
                written += length
            }
            return true
        }
    }
}
