#if Keras
import CHDF5
import ModelFiles
import Recurrent

/// A new HDF5 file in memory, written with the HDF5 C library.
///
/// A value exists only within ``make(_:)``, which holds the process-wide lock on the library. The same calls always
/// produce the same bytes.
struct HDF5Output: ~Copyable {
    private let file: HDF5Handle
    /// The properties of new links. They make the library create any missing groups on the path to a new object.
    private let creation: HDF5Handle

    /// Writes a new file.
    ///
    /// - Parameter body: A closure that writes to the file. The library is locked while the closure runs.
    /// - Returns: The bytes of the file.
    /// - Throws: ``Defect`` with the code `corrupt` if the library fails, or any error that `body` throws.
    static func make(_ body: (borrowing HDF5Output) throws(Defect) -> Void) throws(Defect) -> [UInt8] {
        try HDF5File.withLibrary { () throws(Defect) in
            let output = try HDF5Output()
            try body(output)
            return try output.bytes()
        }
    }

    private init() throws(Defect) {
        let access = try HDF5Handle(H5Pcreate(sluice_H5P_FILE_ACCESS()), close: H5Pclose, "access list")
        // The core driver keeps the file in memory.
        guard H5Pset_fapl_core(access.id, 1 << 16, false) >= 0 else { throw Self.notWritten("the file") }
        let creation = try HDF5Handle(H5Pcreate(sluice_H5P_LINK_CREATE()), close: H5Pclose, "link list")
        guard H5Pset_create_intermediate_group(creation.id, 1) >= 0 else { throw Self.notWritten("the file") }
        file = try unsafe HDF5Handle(
            H5Fcreate("new file in memory", sluice_H5F_ACC_TRUNC(), hid_t(H5P_DEFAULT), access.id), close: H5Fclose,
            "new file")
        self.creation = creation
    }

    private func bytes() throws(Defect) -> [UInt8] {
        guard H5Fflush(file.id, H5F_SCOPE_GLOBAL) >= 0 else { throw Self.notWritten("the file") }
        let size = H5Fget_file_image(file.id, nil, 0)
        guard size > 0 else { throw Self.notWritten("the file") }
        var bytes = [UInt8](repeating: 0, count: size)
        guard unsafe H5Fget_file_image(file.id, &bytes, size) == size else { throw Self.notWritten("the file") }
        return bytes
    }

    /// Copies an object and everything in it from another file.
    func copy(_ path: String, from source: borrowing HDF5File) throws(Defect) {
        guard
            unsafe H5Ocopy(source.file.id, path, file.id, path, hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT)) >= 0
        else { throw Self.notWritten("a copy of '\(path)'") }
    }

    /// Creates a group with the string attribute `name`.
    func makeGroup(_ path: String, name: String) throws(Defect) {
        let group = try unsafe HDF5Handle(
            H5Gcreate2(file.id, path, creation.id, hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT)), close: H5Gclose,
            "new group '\(path)'")
        let type = try HDF5Handle(H5Tcopy(sluice_H5T_C_S1()), close: H5Tclose, "text type")
        let space = try HDF5Handle(H5Screate(H5S_SCALAR), close: H5Sclose, "shape of a text")
        guard H5Tset_size(type.id, sluice_H5T_VARIABLE()) >= 0, H5Tset_cset(type.id, H5T_CSET_UTF8) >= 0 else {
            throw Self.notWritten("the name of '\(path)'")
        }
        let attribute = try unsafe HDF5Handle(
            H5Acreate2(group.id, "name", type.id, space.id, hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT)), close: H5Aclose,
            "name of '\(path)'")
        let isWritten = unsafe name.withCString { text in
            var pointer: UnsafePointer<CChar>? = unsafe text
            return unsafe H5Awrite(attribute.id, type.id, &pointer) >= 0
        }
        guard isWritten else { throw Self.notWritten("the name of '\(path)'") }
    }

    /// Writes a tensor as a new dataset of float32 values.
    func write(_ tensor: Tensor, to path: String) throws(Defect) {
        let dataset = try newDataset(path, shape: tensor.shape, type: sluice_H5T_IEEE_F32LE())
        try write(tensor, to: dataset, path: path)
    }

    /// Writes a 64-bit integer as a new scalar dataset.
    func write(_ value: Int, to path: String) throws(Defect) {
        let dataset = try newDataset(path, shape: [], type: sluice_H5T_STD_I64LE())
        var value = Int64(value)
        let isWritten = unsafe H5Dwrite(
            dataset.id, sluice_H5T_NATIVE_INT64(), sluice_H5S_ALL(), sluice_H5S_ALL(), hid_t(H5P_DEFAULT), &value)
        guard isWritten >= 0 else { throw Self.notWritten("'\(path)'") }
    }

    /// Replaces the numbers in a dataset without changing the dataset's type.
    func replace(_ path: String, with tensor: Tensor) throws(Defect) {
        let dataset = try unsafe HDF5Handle(
            H5Dopen2(file.id, path, hid_t(H5P_DEFAULT)), close: H5Dclose, "dataset '\(path)'")
        let space = try HDF5Handle(H5Dget_space(dataset.id), close: H5Sclose, "shape of '\(path)'")
        guard H5Sget_simple_extent_npoints(space.id) == tensor.values.count else {
            throw Self.notWritten("'\(path)' with another number of values")
        }
        try write(tensor, to: dataset, path: path)
    }

    private func newDataset(_ path: String, shape: [Int], type: hid_t) throws(Defect) -> HDF5Handle {
        let space =
            shape.isEmpty
            ? try HDF5Handle(H5Screate(H5S_SCALAR), close: H5Sclose, "shape of '\(path)'")
            : try unsafe HDF5Handle(
                H5Screate_simple(Int32(shape.count), shape.map { hsize_t($0) }, nil), close: H5Sclose,
                "shape of '\(path)'")
        let options = try HDF5Handle(H5Pcreate(sluice_H5P_DATASET_CREATE()), close: H5Pclose, "dataset list")
        // Recorded times would make otherwise equal files differ.
        guard H5Pset_obj_track_times(options.id, false) >= 0 else { throw Self.notWritten("'\(path)'") }
        return try unsafe HDF5Handle(
            H5Dcreate2(file.id, path, type, space.id, creation.id, options.id, hid_t(H5P_DEFAULT)), close: H5Dclose,
            "new dataset '\(path)'")
    }

    private func write(_ tensor: Tensor, to dataset: borrowing HDF5Handle, path: String) throws(Defect) {
        let isWritten = unsafe tensor.values.withUnsafeBytes { values in
            unsafe H5Dwrite(
                dataset.id, sluice_H5T_NATIVE_FLOAT(), sluice_H5S_ALL(), sluice_H5S_ALL(), hid_t(H5P_DEFAULT),
                values.baseAddress)
        }
        guard isWritten >= 0 else { throw Self.notWritten("'\(path)'") }
    }

    private static func notWritten(_ object: String) -> Defect {
        Defect(.corrupt, "HDF5: \(object) cannot be written")
    }
}
#endif
