import Glibc

/// The file `sluice.seal`, which has two places for a seal. Seals are written to the two places alternately, and each
/// write is synced. If a power cut leaves a write incomplete, the previous seal is still there.
///
/// The places are overwritten and never move, so a write succeeds even on a full disk. Each write opens the file by
/// name, and therefore notices if the folder was deleted or replaced.
struct SealFile: Sendable {
    /// The name of the file within the state folder.
    static let fileName = "sluice.seal"

    /// The distance between the two places, in bytes. It ensures that no disk sector contains parts of both.
    private static let stride = 4096

    /// The path of the file.
    let path: String

    init(folder: String) {
        path = "\(folder)/\(Self.fileName)"
    }

    /// Reads the latest seal.
    ///
    /// - Returns: The seal, and whether the other place is damaged, for example by an incomplete write. Nil if there is
    ///   no file.
    /// - Throws: ``StoreError`` if the file cannot be read, or if neither place holds a valid seal.
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

    /// Returns the seals in the two places; nil for a place without a valid seal.
    private static func seals(in descriptor: CInt) -> [Seal?] {
        (0..<2).map { place -> Seal? in
            var bytes = [UInt8](repeating: 0, count: Seal.byteCount)
            let count = unsafe pread(descriptor, &bytes, bytes.count, off_t(place * stride))
            let seal = count == bytes.count ? Seal(bytes) : nil
            // A seal's serial number determines its place. Ignore a seal that is in the other place.
            return seal.flatMap { $0.serial % 2 == UInt64(place) ? $0 : nil }
        }
    }

    /// Creates the file, either completely or not at all.
    ///
    /// - Parameter seal: The seal for both places. Its serial number is increased.
    /// - Throws: ``StoreError`` if the file may not be durable.
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

    /// Overwrites the older of the two seals.
    ///
    /// - Throws: ``StoreError`` if the seal may not be durable. The code is `folderLost` if the file belongs to another
    ///   state.
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
