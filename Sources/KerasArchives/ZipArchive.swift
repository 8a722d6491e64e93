#if Keras
import CZip
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

    /// Opens an archive while `body` runs.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if the bytes are not an archive, or any error that `body` throws.
    static func read<Result>(
        _ bytes: [UInt8], _ body: (borrowing ZipArchive) throws(Defect) -> Result
    ) throws(Defect) -> Result {
        try unsafe bytes.span.withUnsafeBytes { buffer throws(Defect) in
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
        let index = unsafe zip_name_locate(archive, name, 0)
        guard index >= 0 else { return nil }
        var status = unsafe zip_stat_t()
        guard unsafe zip_stat_index(archive, UInt64(index), 0, &status) == 0 else { throw defect(in: name) }
        let size = unsafe status.size
        guard unsafe status.valid & UInt64(ZIP_STAT_SIZE) != 0, size <= Self.maximumEntrySize else {
            throw Defect(.corrupt, "zip entry '\(name)' has \(size) bytes; supported: at most \(Self.maximumEntrySize)")
        }
        guard let file = unsafe zip_fopen_index(archive, UInt64(index), 0) else { throw defect(in: name) }
        defer { _ = unsafe zip_fclose(file) }
        // libzip verifies the checksum only when it reaches the end of the entry. Therefore, try to read one byte more
        // than the entry has.
        let capacity = Int(size) + 1
        var isDamaged = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, filled in
            while filled < capacity, let start = buffer.baseAddress {
                let count = unsafe zip_fread(file, start + filled, UInt64(capacity - filled))
                isDamaged = count < 0
                if count <= 0 { break }
                filled += Int(count)
            }
        }
        guard !isDamaged else {
            throw unsafe Defect(.corrupt, "zip entry '\(name)': \(String(cString: zip_file_strerror(file)))")
        }
        guard bytes.count == Int(size) else {
            throw Defect(.corrupt, "zip entry '\(name)' has fewer or more than the \(size) bytes that it claims")
        }
        return bytes
    }

    private func defect(in entry: String) -> Defect {
        unsafe Defect(.corrupt, "zip entry '\(entry)': \(String(cString: zip_strerror(archive)))")
    }
}
#endif
