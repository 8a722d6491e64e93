#if Keras
import CHDF5
import ModelFiles
import Recurrent
import Synchronization

/// An HDF5 file in memory, read with the HDF5 C library (<https://docs.hdfgroup.org/hdf5/v1_10/>).
///
/// A value exists only within ``read(_:_:)``, which holds the process-wide lock on the library. The lock is needed
/// because HDF5 may be built without thread safety. Files are not trusted: soft links, external links and data outside
/// the file are refused, and every allocation is bounded.
struct HDF5File: ~Copyable {
    /// The maximum size of a dataset, in elements: 1 GiB of float32.
    static let maximumElements = 1 << 28
    /// The maximum number of strings in an attribute, and of members in a group.
    static let maximumStrings = 1 << 16
    /// The maximum total size of an attribute's fixed-length strings, in bytes.
    static let maximumStringSize = 1 << 24

    private static let library = Mutex(())

    let file: HDF5Handle
    /// The position of this file's first byte in the file that the process reads. Nil if that file does not hold these
    /// bytes as they are.
    private let place: Int?
    /// The file's size in bytes.
    private let size: Int

    /// Opens a file while `body` runs.
    ///
    /// - Parameters:
    ///   - bytes: The file's contents.
    ///   - place: The position of `bytes` in the file that the process reads; nil if the bytes are a copy.
    ///   - body: A closure that reads from the file. The closure must not call `read` again, because the library is
    ///     locked while the closure runs.
    /// - Returns: The result of `body`.
    /// - Throws: ``Defect`` with the code `corrupt` if the bytes are not an HDF5 file, or any error that `body` throws.
    static func read<Result: Sendable>(
        _ bytes: Span<UInt8>, place: Int?, _ body: (borrowing HDF5File) throws(Defect) -> Result
    ) throws(Defect) -> Result {
        try HDF5GlobalHeap.check(bytes)
        return try unsafe bytes.withUnsafeBytes { buffer throws(Defect) in
            try withLibrary { () throws(Defect) in
                let file = try unsafe HDF5File(buffer, place: place)
                return try body(file)
            }
        }
    }

    /// Holds the lock on the library while `body` runs.
    static func withLibrary<Result: Sendable>(_ body: () throws(Defect) -> Result) throws(Defect) -> Result {
        try library.withLock { _ throws(Defect) -> Result in
            // A thread-safe build has an error stack for each thread, so one call per process would not be enough.
            _ = sluice_H5E_silence()
            // A file may name filters. Prevent HDF5 from loading them from shared libraries.
            _ = H5PLset_loading_state(0)
            return try body()
        }
    }

    /// Opens a file. The caller has checked the global heaps, holds the lock on the library, and keeps the bytes alive
    /// while the file is open.
    init(_ bytes: UnsafeRawBufferPointer, place: Int? = nil) throws(Defect) {
        self.place = place
        size = bytes.count
        let access = try HDF5Handle(H5Pcreate(sluice_H5P_FILE_ACCESS()), close: H5Pclose, "access list")
        // The core driver reads a file in memory.
        let isSet =
            unsafe H5Pset_fapl_core(access.id, 1 << 16, false) >= 0
            && sluice_H5P_borrow_image(access.id, bytes.baseAddress, bytes.count) >= 0
        guard isSet else { throw Defect(.corrupt, "HDF5: a file of \(bytes.count) bytes does not fit in memory") }
        // The name is not a file name. The library uses it only to tell open files apart.
        file = try unsafe HDF5Handle(
            H5Fopen("model in memory", sluice_H5F_ACC_RDONLY(), access.id), close: H5Fclose, "file")
    }

    /// Returns whether a path such as `layers/lstm/vars` exists. The path may lead only through groups of this file.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if a component is damaged or links out of the file.
    func exists(_ path: String) throws(Defect) -> Bool {
        guard !path.utf8.contains(0) else { return false }
        var prefix = ""
        for component in path.split(separator: "/") {
            prefix += (prefix.isEmpty ? "" : "/") + component
            let exists = unsafe H5Lexists(file.id, prefix, hid_t(H5P_DEFAULT))
            guard exists >= 0 else { throw Defect(.corrupt, "HDF5: '\(prefix)' cannot be looked up") }
            if exists == 0 { return false }
            guard unsafe sluice_H5L_is_hard(file.id, prefix) > 0 else {
                throw Defect(.corrupt, "HDF5: '\(prefix)' is damaged or a link out of the file")
            }
        }
        return true
    }

    /// Returns the sorted names in a group, or in the file's root group if the path is empty.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if there is no such group.
    func members(of path: String) throws(Defect) -> [String] {
        try require(path)
        let group = try unsafe HDF5Handle(
            H5Gopen2(file.id, path.isEmpty ? "/" : path, hid_t(H5P_DEFAULT)), close: H5Gclose, "group '\(path)'")
        var info = H5G_info_t()
        guard unsafe H5Gget_info(group.id, &info) >= 0, info.nlinks <= Self.maximumStrings else {
            throw Defect(.corrupt, "HDF5: group '\(path)' cannot be listed")
        }
        var names: [String] = []
        for index in 0..<info.nlinks {
            names.append(try name(at: index, in: group, path: path))
        }
        return names
    }

    private func name(at index: hsize_t, in group: borrowing HDF5Handle, path: String) throws(Defect) -> String {
        let maximum = 1024
        var name = [CChar](repeating: 0, count: maximum)
        let length = unsafe H5Lget_name_by_idx(
            group.id, ".", H5_INDEX_NAME, H5_ITER_INC, index, &name, maximum, hid_t(H5P_DEFAULT))
        guard length >= 0, length < maximum else {
            throw Defect(.corrupt, "HDF5: group '\(path)' cannot be listed")
        }
        return String(decoding: name.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Reads a dataset that consists of one whole number.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if the dataset is missing or damaged, or has another type.
    func integer(_ path: String) throws(Defect) -> Int {
        try require(path)
        let dataset = try unsafe HDF5Handle(
            H5Dopen2(file.id, path, hid_t(H5P_DEFAULT)), close: H5Dclose, "dataset '\(path)'")
        let type = try HDF5Handle(H5Dget_type(dataset.id), close: H5Tclose, "type of '\(path)'")
        try requireDataWithinFile(of: dataset, path: path)
        var value: Int64 = 0
        guard H5Tget_class(type.id) == H5T_INTEGER,
            try shape(of: dataset, path: path).isEmpty,
            unsafe H5Dread(
                dataset.id, sluice_H5T_NATIVE_INT64(), sluice_H5S_ALL(), sluice_H5S_ALL(), hid_t(H5P_DEFAULT), &value)
                >= 0
        else { throw Defect(.corrupt, "HDF5: dataset '\(path)' is not one whole number") }
        return Int(value)
    }

    /// Reads a dataset of floating-point numbers of any width, as float32.
    ///
    /// - Parameter path: The path of the dataset.
    /// - Returns: The numbers with their shape. A single number has no axes.
    /// - Throws: ``Defect`` with the code `corrupt` if the dataset is missing, too large or damaged, or has another
    ///   type.
    func tensor(_ path: String) throws(Defect) -> Tensor {
        try require(path)
        let dataset = try unsafe HDF5Handle(
            H5Dopen2(file.id, path, hid_t(H5P_DEFAULT)), close: H5Dclose, "dataset '\(path)'")
        let type = try HDF5Handle(H5Dget_type(dataset.id), close: H5Tclose, "type of '\(path)'")
        guard H5Tget_class(type.id) == H5T_FLOAT else {
            throw Defect(.corrupt, "HDF5: dataset '\(path)' does not hold floating-point numbers")
        }
        try requireDataWithinFile(of: dataset, path: path)
        let shape = try shape(of: dataset, path: path)
        let count = shape.reduce(1, *)
        var isRead = false
        let values = unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            guard let start = buffer.baseAddress else { return }
            unsafe isRead =
                H5Dread(
                    dataset.id, sluice_H5T_NATIVE_FLOAT(), sluice_H5S_ALL(), sluice_H5S_ALL(), hid_t(H5P_DEFAULT), start
                )
                >= 0
            initializedCount = isRead ? count : 0
        }
        guard isRead else { throw Defect(.corrupt, "HDF5: dataset '\(path)' cannot be read") }
        do {
            return try Tensor(shape: shape, values: values)
        } catch {
            throw Defect(.corrupt, "HDF5: dataset '\(path)': \(error.context)")
        }
    }

    /// Returns a weight: its place in the file that the process reads, or its numbers if that file does not hold them as
    /// little-endian floats in order.
    ///
    /// - Parameters:
    ///   - path: The path of the dataset.
    ///   - name: The weight's name in the exchange form.
    /// - Returns: The weight.
    /// - Throws: ``Defect`` as ``tensor(_:)`` does.
    func weight(_ path: String, name: String) throws(Defect) -> StoredWeight {
        if let place = try tensorPlace(path, name: name) { return .place(place) }
        return .tensor(NamedTensor(name: name, tensor: try tensor(path)))
    }

    private func tensorPlace(_ path: String, name: String) throws(Defect) -> TensorPlace? {
        try require(path)
        guard let place else { return nil }
        let dataset = try unsafe HDF5Handle(
            H5Dopen2(file.id, path, hid_t(H5P_DEFAULT)), close: H5Dclose, "dataset '\(path)'")
        let type = try HDF5Handle(H5Dget_type(dataset.id), close: H5Tclose, "type of '\(path)'")
        let creation = try HDF5Handle(H5Dget_create_plist(dataset.id), close: H5Pclose, "layout of '\(path)'")
        guard H5Tequal(type.id, sluice_H5T_IEEE_F32LE()) > 0, H5Pget_layout(creation.id) == H5D_CONTIGUOUS,
            H5Pget_external_count(creation.id) == 0
        else { return nil }
        let shape = try shape(of: dataset, path: path)
        let count = shape.reduce(MemoryLayout<Float>.size, *)
        // The offset is out of range if the numbers were never written.
        guard H5Dget_storage_size(dataset.id) == count, count <= size,
            let start = Int(exactly: H5Dget_offset(dataset.id)), start <= size - count
        else { return nil }
        return TensorPlace(name: name, shape: shape, start: place + start)
    }

    /// Returns the lengths of the axes; empty for a single number. Each length is at least 1, and the product of all
    /// lengths is at most ``maximumElements``.
    private func shape(of dataset: borrowing HDF5Handle, path: String) throws(Defect) -> [Int] {
        let space = try HDF5Handle(H5Dget_space(dataset.id), close: H5Sclose, "shape of '\(path)'")
        if H5Sget_simple_extent_type(space.id) == H5S_SCALAR { return [] }
        let rank = Int(H5Sget_simple_extent_ndims(space.id))
        guard H5Sget_simple_extent_type(space.id) == H5S_SIMPLE, (1...Int(H5S_MAX_RANK)).contains(rank) else {
            throw Defect(.corrupt, "HDF5: dataset '\(path)' has no shape")
        }
        var lengths = [hsize_t](repeating: 0, count: rank)
        guard unsafe H5Sget_simple_extent_dims(space.id, &lengths, nil) == rank else {
            throw Defect(.corrupt, "HDF5: the shape of dataset '\(path)' cannot be read")
        }
        var room = hsize_t(Self.maximumElements)
        for length in lengths {
            guard length > 0, length <= room else {
                throw Defect(.corrupt, "HDF5: dataset '\(path)' has the shape \(lengths), empty or too large")
            }
            room /= length
        }
        return lengths.map(Int.init)
    }

    /// Throws if the dataset's numbers are stored in another file.
    private func requireDataWithinFile(of dataset: borrowing HDF5Handle, path: String) throws(Defect) {
        let creation = try HDF5Handle(H5Dget_create_plist(dataset.id), close: H5Pclose, "layout of '\(path)'")
        let layouts = [H5D_COMPACT, H5D_CONTIGUOUS, H5D_CHUNKED]
        guard layouts.contains(H5Pget_layout(creation.id)), H5Pget_external_count(creation.id) == 0 else {
            throw Defect(.corrupt, "HDF5: dataset '\(path)' has its data outside the file")
        }
    }

    private func require(_ path: String) throws(Defect) {
        guard try exists(path) else { throw Defect(.corrupt, "HDF5: '\(path)' is missing") }
    }
}

// MARK: - Attributes

extension HDF5File {
    /// Returns the string in a text attribute, or nil if there is no such attribute.
    ///
    /// - Parameters:
    ///   - attribute: The attribute's name.
    ///   - path: The path of the group or dataset with the attribute; empty for the file itself.
    /// - Returns: The string.
    /// - Throws: ``Defect`` with the code `corrupt` if the attribute is damaged or does not hold exactly one string.
    func string(_ attribute: String, of path: String) throws(Defect) -> String? {
        guard let strings = try strings(attribute, of: path) else { return nil }
        guard strings.count == 1, let string = strings.first else {
            throw Defect(
                .corrupt, "HDF5: attribute '\(attribute)' of '/\(path)' holds \(strings.count) strings, not one")
        }
        return string
    }

    /// Returns the values of a text attribute in order, or nil if there is no such attribute.
    ///
    /// The strings may have fixed or variable length. An empty array may have any type, because h5py does not write an
    /// empty list as text.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if the attribute is not text, is too long or is damaged.
    func strings(_ attribute: String, of path: String) throws(Defect) -> [String]? {
        try require(path)
        let object = try unsafe HDF5Handle(
            H5Oopen(file.id, path.isEmpty ? "/" : path, hid_t(H5P_DEFAULT)), close: H5Oclose, "'/\(path)'")
        let what = "attribute '\(attribute)' of '/\(path)'"
        let exists = unsafe H5Aexists(object.id, attribute)
        guard exists >= 0 else { throw Defect(.corrupt, "HDF5: \(what) cannot be looked up") }
        if exists == 0 { return nil }
        let handle = try unsafe HDF5Handle(H5Aopen(object.id, attribute, hid_t(H5P_DEFAULT)), close: H5Aclose, what)
        let type = try HDF5Handle(H5Aget_type(handle.id), close: H5Tclose, what)
        let space = try HDF5Handle(H5Aget_space(handle.id), close: H5Sclose, what)
        let count = Int(H5Sget_simple_extent_npoints(space.id))
        if count == 0 { return [] }
        guard (1...Self.maximumStrings).contains(count), H5Tget_class(type.id) == H5T_STRING else {
            throw Defect(.corrupt, "HDF5: \(what) is not text")
        }
        let strings =
            H5Tis_variable_str(type.id) > 0
            ? variableStrings(handle, type: type, space: space, count: count)
            : fixedStrings(handle, type: type, count: count)
        guard let strings else { throw Defect(.corrupt, "HDF5: \(what) cannot be read") }
        return strings
    }

    private func variableStrings(
        _ attribute: borrowing HDF5Handle, type: borrowing HDF5Handle, space: borrowing HDF5Handle, count: Int
    ) -> [String]? {
        // A damaged type may claim that a character takes gigabytes. The library would then allocate gigabytes for each
        // character of a string.
        let character = H5Tget_super(type.id)
        guard character >= 0 else { return nil }
        defer { _ = H5Tclose(character) }
        guard H5Tget_size(character) == 1, H5Tget_size(type.id) == MemoryLayout<Int>.size else { return nil }
        var pointers = unsafe [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
        guard unsafe H5Aread(attribute.id, type.id, &pointers) >= 0 else { return nil }
        let strings = unsafe pointers.map { pointer in unsafe pointer.map { unsafe String(cString: $0) } ?? "" }
        _ = unsafe H5Dvlen_reclaim(type.id, space.id, hid_t(H5P_DEFAULT), &pointers)
        return strings
    }

    /// Reads strings of fixed length. A string ends at its first NUL, or is padded with spaces.
    private func fixedStrings(
        _ attribute: borrowing HDF5Handle, type: borrowing HDF5Handle, count: Int
    ) -> [String]? {
        let size = H5Tget_size(type.id)
        guard (1...Self.maximumStringSize / count).contains(size) else { return nil }
        var bytes = [UInt8](repeating: 0, count: count * size)
        guard unsafe H5Aread(attribute.id, type.id, &bytes) >= 0 else { return nil }
        let isSpacePadded = H5Tget_strpad(type.id) == H5T_STR_SPACEPAD
        return (0..<count).map { index in
            var text = bytes[index * size..<(index + 1) * size].prefix { $0 != 0 }
            while isSpacePadded, text.last == UInt8(ascii: " ") {
                text.removeLast()
            }
            return String(decoding: text, as: UTF8.self)
        }
    }
}
#endif
