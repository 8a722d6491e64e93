import Glibc
import ModelFiles

/// A file or standard input, open for reading. Gzip data is recognized by its first bytes. It is decompressed piece by
/// piece, so that input that is still growing can be read too.
package final class InputFile {
    /// The name in messages: the path, or `standard input`.
    package let name: String
    /// The size of a regular file in bytes; nil if the amount of data is unknown, as with gzip.
    package let size: Int?
    private let descriptor: CInt
    /// The initial offset in a regular file; -1 for other files. The offset need not be 0, because standard input may
    /// already have been read in part.
    private let start: off_t
    /// The interruption that ends a wait for input, except from a regular file; nil to wait until input arrives.
    var interruption: Interruption?

    /// Whether the first bytes have been read and examined.
    private var isRecognized = false
    /// Bytes that were read to recognize gzip, but have not been returned yet.
    private var ahead: ArraySlice<UInt8> = []
    private var gzip: GzipDecoder?

    /// Opens a file.
    ///
    /// - Parameter path: The file; `-` for standard input.
    /// - Throws: ``ClientError`` with the status `noInput` if it cannot be opened.
    package init(path: String) throws(ClientError) {
        if path == "-" {
            name = "standard input"
            descriptor = STDIN_FILENO
        } else {
            name = path
            descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw ClientError(.noInput, "cannot read \(path): \(Self.lastError)") }
        }
        var information = stat()
        let isRegular =
            unsafe fstat(descriptor, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
        start = isRegular ? lseek(descriptor, 0, SEEK_CUR) : -1
        var first = [UInt8](repeating: 0, count: GzipDecoder.magic.count)
        let isGzip =
            unsafe isRegular && pread(descriptor, &first, first.count, start) == first.count
            && first == GzipDecoder.magic
        size = isRegular && !isGzip ? Int(information.st_size) : nil
    }

    /// Whether the file can be read again from the initial offset.
    var isRewindable: Bool { start >= 0 }

    /// Returns to the initial offset.
    func rewind() throws(ClientError) {
        guard lseek(descriptor, start, SEEK_SET) == start else {
            throw ClientError(.inputOutput, "cannot read \(name) again: \(Self.lastError)")
        }
        isRecognized = false
        ahead = []
        gzip = nil
    }

    /// Waits until a read would not block or an interruption arrives.
    ///
    /// - Parameter milliseconds: The maximum time; negative for no limit.
    func waitUntilReadable(milliseconds: Int) {
        var items = [descriptor, interruption?.wakeup.readEnd].compactMap { descriptor in
            descriptor.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        }
        _ = unsafe poll(&items, nfds_t(items.count), CInt(milliseconds))
    }

    /// Whether an interruption ended the input. If it did, the last line may be incomplete.
    var isInterrupted: Bool { !isRewindable && interruption?.isRequested == true }

    /// Reads from an open descriptor, and closes the descriptor when this object is released.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor.
    ///   - name: The name in messages.
    package init(descriptor: CInt, name: String) {
        self.descriptor = descriptor
        self.name = name
        size = nil
        start = -1
    }

    deinit {
        if descriptor != STDIN_FILENO { close(descriptor) }
    }

    /// Reads available bytes and decompresses them if necessary. Waits if no bytes are available. Returns the number of
    /// bytes stored in `bytes`; 0 at the end or after an interruption.
    ///
    /// - Throws: ``ClientError`` with the status `data` if gzip data is damaged, or `inputOutput` if reading fails.
    func read(into bytes: inout [UInt8]) throws(ClientError) -> Int {
        if !isRecognized { try recognize() }
        if !ahead.isEmpty {
            let count = min(bytes.count, ahead.count)
            bytes.replaceSubrange(..<count, with: ahead.prefix(count))
            ahead = ahead.dropFirst(count)
            return count
        }
        guard let gzip else { return try readStored(into: &bytes) }
        while true {
            let count = try gzip.decompress(into: &bytes)
            if count > 0 { return count }
            guard try gzip.refill(with: readStored) else {
                if !isInterrupted { try gzip.end() }
                return 0
            }
        }
    }

    /// Reads the first bytes to recognize gzip. Waits for a second byte only if the first byte could begin gzip data.
    private func recognize() throws(ClientError) {
        isRecognized = true
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        repeat {
            let count = try readStored(into: &bytes)
            guard count > 0 else { return }
            ahead += bytes[..<count]
        } while ahead.count < GzipDecoder.magic.count && GzipDecoder.magic.starts(with: ahead)
        guard ahead.starts(with: GzipDecoder.magic) else { return }
        gzip = GzipDecoder(first: Array(ahead), name: name)
        ahead = []
    }

    /// Reads available bytes without decompressing them. Waits if no bytes are available.
    private func readStored(into bytes: inout [UInt8]) throws(ClientError) -> Int {
        while true {
            if interruption != nil, !isRewindable { waitUntilReadable(milliseconds: -1) }
            if isInterrupted { return 0 }
            let count = unsafe Glibc.read(descriptor, &bytes, bytes.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw ClientError(.inputOutput, "cannot read \(name): \(Self.lastError)") }
        }
    }

    /// Reads the rest of the file.
    ///
    /// - Returns: The bytes.
    /// - Throws: ``ClientError`` with the status `data` if gzip data is damaged, or `inputOutput` if reading fails.
    package func readToEnd() throws(ClientError) -> [UInt8] {
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try read(into: &bytes)
            guard count > 0 else { return all }
            all += bytes.prefix(count)
        }
    }

    /// Whether gzip data is damaged. Nothing after the damage can be read.
    var isDamaged: Bool { gzip?.isDamaged ?? false }

    /// Whether a read would not block.
    var isReadable: Bool {
        if !ahead.isEmpty || gzip?.hasMore == true { return true }
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&item, 1, 0) != 0
    }

    private static var lastError: String { SystemError.text }
}
