#if Keras
import Glibc
import ModelFiles

/// Checks the parts of an HDF5 file that the C library trusts blindly: the global heaps, which hold variable-length
/// text.
///
/// Version 1.10 of the library fails on damaged heaps in four ways. It loops forever over an object that claims a size
/// of almost 2⁶⁴ bytes. It reads past the heap if a reference names an object that does not exist. It writes past its
/// buffer if a reference claims less than the object holds, and allocates up to 4 GiB if a reference claims more. This
/// check refuses all four kinds of damage before the library sees the file. Layout:
/// <https://docs.hdfgroup.org/hdf5/v1_10/_f_m_t3.html>, section III.E.
struct HDF5GlobalHeap: ~Escapable {
    private static let headerSize = 16
    /// "GCOL" and the version.
    private static let signature: [UInt8] = [0x47, 0x43, 0x4F, 0x4C, 1]

    /// A reference to an object: the address of a heap, and the object's index in that heap.
    private struct ObjectID: Hashable {
        let address: Int
        let index: Int
    }

    private let bytes: Span<UInt8>
    private var heaps: Set<Int> = []
    /// The size of each object, in bytes.
    private var sizes: [ObjectID: Int] = [:]

    /// Checks every global heap of a file and every reference to a heap.
    ///
    /// - Throws: ``Defect`` with the code `corrupt`.
    static func check(_ bytes: Span<UInt8>) throws(Defect) {
        var heap = HDF5GlobalHeap(bytes: bytes)
        try heap.checkSuperblock()
        for start in heap.signatures() { try heap.readHeap(at: start) }
        try heap.checkReferences()
    }

    @_lifetime(copy bytes)
    private init(bytes: Span<UInt8>) {
        self.bytes = bytes
    }

    /// Returns the places of all signatures of heaps.
    private func signatures() -> [Int] {
        unsafe bytes.withUnsafeBytes { buffer in
            var places: [Int] = []
            var start = 0
            let end = buffer.count - Self.headerSize
            while start < end, let base = buffer.baseAddress,
                let found = unsafe memchr(base + start, Int32(Self.signature[0]), end - start)
            {
                let place = unsafe UnsafeRawPointer(found) - base
                if unsafe buffer[place...].starts(with: Self.signature) { places.append(place) }
                start = place + 1
            }
            return places
        }
    }

    /// Verifies the assumptions behind the other checks: addresses and lengths have 64 bits, and addresses are relative
    /// to the start of the file.
    private func checkSuperblock() throws(Defect) {
        // The offsets of the two sizes and of the base address, for each version of the superblock.
        let layouts = [(sizes: 13, base: 24), (sizes: 13, base: 28), (sizes: 9, base: 12), (sizes: 9, base: 12)]
        guard bytes.count > 64, Int(bytes[8]) < layouts.count, case let layout = layouts[Int(bytes[8])],
            bytes[layout.sizes] == 8, bytes[layout.sizes + 1] == 8, word(at: layout.base, 8) == 0
        else {
            throw Defect(.corrupt, "HDF5: the superblock is damaged or does not use 64 bits")
        }
    }

    /// Records the objects of one heap. The objects must be contiguous.
    private mutating func readHeap(at start: Int) throws(Defect) {
        guard let size = word(at: start + 8, 8), size >= Self.headerSize, size <= bytes.count - start else {
            throw Defect(.corrupt, "HDF5: the heap at \(start) is larger than the file")
        }
        heaps.insert(start)
        let end = start + size
        var place = start + Self.headerSize
        while place + Self.headerSize <= end {
            guard let index = word(at: place, 2), let size = word(at: place + 8, 8), size <= end - place else {
                throw Defect(.corrupt, "HDF5: an object of the heap at \(start) is larger than the heap")
            }
            // Object 0 is free space, whose size includes the header. Any other object takes its header plus its size,
            // rounded up to a multiple of 8 bytes.
            let extent = index == 0 ? size : Self.headerSize + (size + 7) / 8 * 8
            guard extent >= Self.headerSize, extent <= end - place else {
                throw Defect(.corrupt, "HDF5: an object of the heap at \(start) does not fit the heap")
            }
            if index != 0 { sizes[ObjectID(address: start, index: index)] = size }
            place += extent
        }
    }

    /// Checks everything that may be a reference to text: a length (32 bits), a heap's address (64 bits) and an
    /// object's index (32 bits).
    ///
    /// Only offsets that are multiples of 8 are checked, because h5py's object headers align attribute values to 8
    /// bytes. Newer headers do not align them, but a check of all offsets could reject a sound file because of a chance
    /// match. A length of 0 is ignored: it is usually the upper half of a 64-bit number, so if a heap's address seems
    /// to follow, that is a coincidence.
    private func checkReferences() throws(Defect) {
        guard !heaps.isEmpty else { return }
        for place in possibleReferences() {
            guard let address = word(at: place + 4, 8), heaps.contains(address),
                let length = word(at: place, 4), length > 0, let index = word(at: place + 12, 4)
            else { continue }
            guard sizes[ObjectID(address: address, index: index)] == length else {
                throw Defect(.corrupt, "HDF5: the heap at \(address) has no text \(index) of \(length) bytes")
            }
        }
    }

    /// Returns the offsets that may hold a reference, because a number between the heaps' addresses follows the length.
    private func possibleReferences() -> [Int] {
        let range = UInt64(heaps.min() ?? 0)...UInt64(heaps.max() ?? 0)
        return unsafe bytes.withUnsafeBytes { buffer in
            stride(from: 0, through: buffer.count - 16, by: 8).filter { place in
                unsafe range.contains(buffer.loadUnaligned(fromByteOffset: place + 4, as: UInt64.self).littleEndian)
            }
        }
    }

    /// Returns a little-endian number, or nil if it does not fit in `Int`.
    private func word(at start: Int, _ count: Int) -> Int? {
        var word: UInt64 = 0
        for offset in (0..<count).reversed() {
            word = word << 8 | UInt64(bytes[start + offset])
        }
        return Int(exactly: word)
    }
}
#endif
