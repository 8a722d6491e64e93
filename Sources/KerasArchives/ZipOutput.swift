#if Keras
import CZip
import ModelFiles

/// A new zip archive in memory, written with libzip. The same entries always produce the same bytes.
enum ZipOutput {
    /// 1 January 1980 as an MS-DOS date. Keras gives its entries the same date.
    private static let date: UInt16 = 1 << 5 | 1

    /// Writes an archive of uncompressed entries.
    ///
    /// - Parameter entries: The entries, in order. No two may have the same name.
    /// - Returns: The archive.
    /// - Throws: ``Defect`` with the code `corrupt` if the library fails.
    static func bytes(_ entries: [(name: String, content: [UInt8])]) throws(Defect) -> [UInt8] {
        var error = unsafe zip_error_t()
        unsafe zip_error_init(&error)
        defer { unsafe zip_error_fini(&error) }
        guard let target = unsafe zip_source_buffer_create(nil, 0, 0, &error) else { throw defect }
        defer { unsafe zip_source_free(target) }
        // zip_close drops one reference to the target; the other is used to read the result.
        unsafe zip_source_keep(target)
        guard let archive = unsafe zip_open_from_source(target, ZIP_CREATE | ZIP_TRUNCATE, &error) else {
            unsafe zip_source_free(target)
            throw defect
        }
        for (name, content) in entries {
            guard unsafe add(name, content, to: archive) else {
                unsafe zip_discard(archive)
                throw defect
            }
        }
        guard unsafe zip_close(archive) == 0 else {
            unsafe zip_discard(archive)
            throw defect
        }
        return try unsafe content(of: target)
    }

    private static func add(_ name: String, _ content: [UInt8], to archive: OpaquePointer) -> Bool {
        // libzip reads the content when the archive is closed, and then frees this copy.
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, content.count), alignment: 1)
        unsafe copy.copyMemory(from: content, byteCount: content.count)
        guard let source = unsafe zip_source_buffer(archive, copy, UInt64(content.count), 1) else {
            unsafe copy.deallocate()
            return false
        }
        let index = unsafe zip_file_add(archive, name, source, UInt32(ZIP_FL_ENC_UTF_8))
        guard index >= 0 else {
            unsafe zip_source_free(source)
            return false
        }
        return unsafe zip_set_file_compression(archive, UInt64(index), ZIP_CM_STORE, 0) == 0
            && zip_file_set_dostime(archive, UInt64(index), 0, date, 0) == 0
    }

    private static func content(of source: OpaquePointer) throws(Defect) -> [UInt8] {
        var status = unsafe zip_stat_t()
        guard unsafe zip_source_stat(source, &status) == 0, unsafe zip_source_open(source) == 0 else { throw defect }
        defer { _ = unsafe zip_source_close(source) }
        var bytes = unsafe [UInt8](repeating: 0, count: Int(status.size))
        guard unsafe zip_source_read(source, &bytes, UInt64(bytes.count)) == bytes.count else { throw defect }
        return bytes
    }

    private static var defect: Defect { Defect(.corrupt, "the zip archive cannot be written") }
}
#endif
