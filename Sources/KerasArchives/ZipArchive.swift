#if Keras
import CZip
import Glibc
import ModelFiles

/// A zip archive in memory, read with libzip (<https://libzip.org/documentation/>).
///
/// A value exists only within ``read(_:_:)``, which keeps the bytes alive for libzip and closes the archive.
@safe
struct ZipArchive: ~Copyable {
    /// The maximum size of an entry, 1 GiB after decompression.
    static let maximumEntrySize = 1 << 30

    /// The maximum number of entries.
    private static let maximumEntries: Int64 = 1 << 16

    private let archive: OpaquePointer
    private let bytes: UnsafeRawBufferPointer

    /// Opens an archive while `body` runs.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if the bytes are not an archive, or any error that `body` throws.
    static func read<Result>(
        _ bytes: Span<UInt8>, _ body: (borrowing ZipArchive) throws(Defect) -> Result
    ) throws(Defect) -> Result {
        try unsafe bytes.withUnsafeBytes { buffer throws(Defect) in
            let archive = try unsafe ZipArchive(buffer)
            return try body(archive)
        }
    }

    private init(_ bytes: UnsafeRawBufferPointer) throws(Defect) {
        var error = unsafe zip_error_t()
        unsafe zip_error_init(&error)
        defer { unsafe zip_error_fini(&error) }
        guard let source = unsafe zip_source_buffer_create(bytes.baseAddress, UInt64(bytes.count), 0, &error) else {
            throw unsafe Defect(.corrupt, "zip archive: \(String(cString: zip_error_strerror(&error)))")
        }
        guard let archive = unsafe zip_open_from_source(source, ZIP_RDONLY, &error) else {
            unsafe zip_source_free(source)
            throw unsafe Defect(.corrupt, "zip archive: \(String(cString: zip_error_strerror(&error)))")
        }
        unsafe self.archive = archive
        unsafe self.bytes = bytes
    }

    deinit {
        unsafe zip_discard(archive)
    }

    /// Returns all entries in order.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if an entry is too large or damaged, or if there are too many
    ///   entries.
    func entries() throws(Defect) -> [(name: String, content: [UInt8])] {
        let count = unsafe zip_get_num_entries(archive, 0)
        guard (0...Self.maximumEntries).contains(count) else {
            throw Defect(.corrupt, "the zip archive has \(count) entries; supported: at most \(Self.maximumEntries)")
        }
        var entries: [(name: String, content: [UInt8])] = []
        for index in 0..<count {
            guard let name = unsafe zip_get_name(archive, UInt64(index), 0).map({ unsafe String(cString: $0) }),
                let content = try entry(name)
            else { throw Defect(.corrupt, "zip entry \(index) has no name") }
            entries.append((name, content))
        }
        return entries
    }

    /// Returns whether the name of any entry ends in a suffix.
    func hasEntry(endingIn suffix: String) -> Bool {
        let count = unsafe min(zip_get_num_entries(archive, 0), Self.maximumEntries)
        for index in 0..<max(0, count) {
            let name = unsafe zip_get_name(archive, UInt64(index), 0).map { unsafe String(cString: $0) }
            if name?.hasSuffix(suffix) == true { return true }
        }
        return false
    }

    /// Returns the uncompressed bytes of an entry, or nil if there is no entry with this name.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if the entry is too large, encrypted or damaged, for example if its
    ///   checksum is wrong.
    func entry(_ name: String) throws(Defect) -> [UInt8]? {
        guard let entry = try Entry(name, of: self) else { return nil }
        var isDamaged = false
        // libzip verifies the checksum only when it reaches the end of the entry. Therefore, try to read one byte more
        // than the entry has.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: entry.size + 1) { buffer, filled in
            while filled <= entry.size {
                let count = unsafe entry.read(into: UnsafeMutableBufferPointer(rebasing: buffer[filled...]))
                isDamaged = count < 0
                if count <= 0 { break }
                filled += count
            }
        }
        try entry.check(isDamaged ? nil : bytes.count)
        return bytes
    }

    /// Calls `body` with the uncompressed bytes of an entry. If the entry is stored without compression, the bytes are
    /// not copied.
    ///
    /// - Parameters:
    ///   - name: The name of the entry.
    ///   - body: A closure that takes the bytes, and their position in the archive if they are not a copy.
    /// - Returns: The result of `body`, or nil if there is no entry with this name.
    /// - Throws: ``Defect`` as ``entry(_:)`` does, or any error that `body` throws.
    func withEntry<Result>(
        _ name: String, _ body: (Span<UInt8>, _ place: Int?) throws(Defect) -> Result
    ) throws(Defect) -> Result? {
        if let entry = try Entry(name, of: self), let place = try place(of: entry) {
            let content = unsafe UnsafeRawBufferPointer(rebasing: bytes[place..<place + entry.size])
            return try body(unsafe Span(_unsafeBytes: content), place)
        }
        guard let copy = try entry(name) else { return nil }
        return try body(copy.span, nil)
    }

    /// The number of bytes that are read at a time.
    private static let pieceSize = 1 << 16

    /// Returns the position of an entry's bytes in the archive, or nil if the entry is compressed or empty.
    ///
    /// libzip does not tell the position. Therefore, this function searches the archive for the beginning of the entry,
    /// and then compares all bytes that libzip reads with those in the archive. libzip verifies the checksum.
    private func place(of entry: borrowing Entry) throws(Defect) -> Int? {
        guard entry.isStored, entry.size > 0 else { return nil }
        var place: Int?
        var isEqual = true
        var isDamaged = false
        var filled = 0
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.pieceSize) { piece in
            while isEqual, filled <= entry.size {
                let count = unsafe entry.read(into: piece)
                isDamaged = count < 0
                if count <= 0 { break }
                let read = unsafe UnsafeBufferPointer(rebasing: piece[..<count])
                if filled == 0 { place = unsafe find(read) }
                isEqual = unsafe isInArchive(read, at: place.map { $0 + filled })
                filled += count
            }
        }
        if !isEqual { return nil }
        try entry.check(isDamaged ? nil : filled)
        return place
    }

    private func find(_ piece: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let start = unsafe bytes.baseAddress,
            let found = unsafe memmem(start, bytes.count, piece.baseAddress, piece.count)
        else { return nil }
        return unsafe UnsafeRawPointer(found) - start
    }

    private func isInArchive(_ piece: UnsafeBufferPointer<UInt8>, at place: Int?) -> Bool {
        guard let place, unsafe place <= bytes.count - piece.count, let start = unsafe bytes.baseAddress,
            let first = piece.baseAddress
        else { return false }
        return unsafe memcmp(start + place, first, piece.count) == 0
    }

    fileprivate func defect(in entry: String) -> Defect {
        unsafe Defect(.corrupt, "zip entry '\(entry)': \(String(cString: zip_strerror(archive)))")
    }

    /// An entry that is open for reading.
    @safe
    private struct Entry: ~Copyable {
        let name: String
        /// The size after decompression, in bytes, as the archive claims.
        let size: Int
        /// Whether the archive holds the entry's bytes as they are.
        let isStored: Bool
        private let file: OpaquePointer

        /// Opens an entry; nil if there is no entry with this name.
        init?(_ name: String, of zip: borrowing ZipArchive) throws(Defect) {
            let archive = unsafe zip.archive
            let index = unsafe zip_name_locate(archive, name, 0)
            guard index >= 0 else { return nil }
            var status = unsafe zip_stat_t()
            guard unsafe zip_stat_index(archive, UInt64(index), 0, &status) == 0 else { throw zip.defect(in: name) }
            let size = unsafe status.size
            guard unsafe status.valid & UInt64(ZIP_STAT_SIZE) != 0, size <= maximumEntrySize else {
                throw Defect(.corrupt, "zip entry '\(name)' has \(size) bytes; supported: at most \(maximumEntrySize)")
            }
            guard let file = unsafe zip_fopen_index(archive, UInt64(index), 0) else { throw zip.defect(in: name) }
            self.name = name
            self.size = Int(size)
            isStored = unsafe status.comp_method == UInt16(ZIP_CM_STORE)
            unsafe self.file = file
        }

        deinit {
            _ = unsafe zip_fclose(file)
        }

        /// Reads the next bytes.
        ///
        /// - Returns: The number of bytes; 0 at the end, and negative if the entry is damaged.
        func read(into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
            Int(unsafe zip_fread(file, buffer.baseAddress, UInt64(buffer.count)))
        }

        /// Checks the number of bytes in the entry; nil if the entry is damaged.
        ///
        /// - Throws: ``Defect`` with the code `corrupt`.
        func check(_ count: Int?) throws(Defect) {
            guard let count else {
                throw unsafe Defect(.corrupt, "zip entry '\(name)': \(String(cString: zip_file_strerror(file)))")
            }
            guard count == size else {
                throw Defect(.corrupt, "zip entry '\(name)' has fewer or more than the \(size) bytes that it claims")
            }
        }
    }
}
#endif
