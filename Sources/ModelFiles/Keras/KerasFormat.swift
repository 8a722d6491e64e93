/// The Keras formats, identified by a file's first bytes.
package enum KerasFormat: CaseIterable, Sendable {
    /// A zip archive, written by Keras 3 and the last versions of Keras 2.
    case archive
    /// HDF5, written by Keras 2 and, on request, Keras 3.
    case hdf5

    /// Determines the format from the first bytes of a file. Nil if the file has neither format.
    package init?(of bytes: some Collection<UInt8>) {
        guard let format = Self.allCases.first(where: { bytes.starts(with: $0.magic) }) else { return nil }
        self = format
    }

    private var magic: [UInt8] {
        switch self {
        case .archive: [0x50, 0x4B, 0x03, 0x04]
        case .hdf5: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
        }
    }

    /// The name of the format.
    package var name: String {
        switch self {
        case .archive: "Keras 3 (.keras)"
        case .hdf5: "Keras HDF5 (.h5)"
        }
    }
}
