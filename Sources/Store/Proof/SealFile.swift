import Glibc

/// The file `sluice.seal`: two places that are written in turn, each synced before the other is written again, so that a write
/// that a power cut tears leaves the seal before it.
///
/// The places are written over and never moved: that needs no room on a full disk. The file is opened by its name each time,
/// so that a folder that was deleted or replaced is noticed.
struct SealFile: Sendable {
    /// The name of the file within the state folder.
    static let fileName = "sluice.seal"

    /// Bytes from one place to the other: no sector has parts of both.
    private static let stride = 4096

    /// Where the file is.
    let path: String

    init(folder: String) {
        path = "\(folder)/\(Self.fileName)"
    }

    /// Reads the seal that was written last.
    ///
    /// - Returns: The seal, or nil where the file is missing; and whether the other place is damaged, as a torn write leaves
    ///   it.
    /// - Throws: ``StoreError`` where the file cannot be read, or neither place holds a seal.
    func read() throws(StoreError) -> (seal: Seal, isHalfDamaged: Bool)? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else {
                throw StoreError(.cannotOpen, "cannot read \(path): \(StateFolder.systemError)")
            }
            return nil
        }
        defer { _ = close(descriptor) }
        let seals = Self.seals(in: descriptor)
        guard let last = seals.compactMap(\.self).max(by: { $0.serial < $1.serial }) else {
            throw .damage(path, "is damaged: neither of its two places holds a seal")
        }
        return (last, seals.contains { $0 == nil })
    }

    /// The seals in the two places; nil where there is none.
    private static func seals(in descriptor: CInt) -> [Seal?] {
        (0..<2).map { place -> Seal? in
            var bytes = [UInt8](repeating: 0, count: Seal.byteCount)
            let count = unsafe pread(descriptor, &bytes, bytes.count, off_t(place * stride))
            let seal = count == bytes.count ? Seal(bytes) : nil
            // A copy of the other place is none.
            return seal.flatMap { $0.serial % 2 == UInt64(place) ? $0 : nil }
        }
    }

    /// Makes the file, whole or not at all.
    ///
    /// - Parameter seal: What it holds, in both places.
    /// - Throws: ``StoreError`` where it may not be durable.
    func create(_ seal: inout Seal) throws(StoreError) {
        var file = [UInt8](repeating: 0, count: 2 * Self.stride)
        for _ in 0..<2 {
            seal.serial += 1
            let start = Int(seal.serial % 2) * Self.stride
            file.replaceSubrange(start..<(start + Seal.byteCount), with: seal.bytes)
        }
        let part = path + ".part"
        _ = unsafe unlink(part)
        let descriptor = unsafe open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure }
        do {
            defer { _ = close(descriptor) }
            guard fchmod(descriptor, 0o600) == 0 else { throw failure }
            guard unsafe pwrite(descriptor, file, file.count, 0) == file.count, fdatasync(descriptor) == 0 else {
                throw failure
            }
        }
        guard unsafe rename(part, path) == 0 else { throw failure }
        try StateFolder.sync(folderOf: path)
    }

    /// Writes a seal over the one before the last.
    ///
    /// - Throws: ``StoreError`` where it may not be durable; with the code `folderLost` where the file is another state's.
    func write(_ seal: Seal) throws(StoreError) {
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure }
        defer { _ = close(descriptor) }
        guard Self.seals(in: descriptor).contains(where: { $0?.identity == seal.identity }) else {
            throw StateFolderWatch.lost("\(path) is not this state's", "it is left as it is")
        }
        let bytes = seal.bytes
        let start = off_t(Int(seal.serial % 2) * Self.stride)
        guard unsafe pwrite(descriptor, bytes, bytes.count, start) == bytes.count, fdatasync(descriptor) == 0 else {
            throw failure
        }
    }

    private var failure: StoreError { StoreError(.failed, "cannot write \(path): \(StateFolder.systemError)") }
}
