package import Foundation

/// The tensors of a safetensors file of 32-bit and 64-bit floats (<https://huggingface.co/docs/safetensors/index#format>).
package struct FixtureTensors {
    /// An entry of the header: a tensor, or the metadata, in which both properties are nil.
    private struct Entry: Decodable {
        let dtype: String?
        let dataOffsets: [Int]?
    }

    private let entries: [String: Entry]
    private let data: Data
    /// The offset in the file at which the data begins.
    private let start: Int

    /// Reads a file.
    ///
    /// - Parameter url: The file.
    /// - Throws: Foundation's error if the file cannot be read.
    package init(_ url: URL) throws {
        let file = try Data(contentsOf: url)
        let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        entries = try decoder.decode([String: Entry].self, from: file[8..<8 + length])
        start = 8 + length
        data = Data(file[start...])
    }

    /// The names of the tensors.
    package var names: [String] { entries.filter { $0.value.dtype != nil }.keys.sorted() }

    /// Returns the range of bytes that a tensor's values occupy in the file; nil if there is no such tensor.
    package func range(of name: String) -> Range<Int>? {
        entries[name]?.dataOffsets.map { start + $0[0]..<start + $0[1] }
    }

    /// Returns the values of a tensor, in row-major order; empty if there is no such tensor.
    package func values(_ name: String) -> [Double] {
        guard let entry = entries[name], let offsets = entry.dataOffsets else { return [] }
        let bytes = Array(data[offsets[0]..<offsets[1]])
        let size = entry.dtype == "F64" ? 8 : 4
        return stride(from: 0, to: bytes.count, by: size).map { start in
            let bits = bytes[start..<start + size].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return size == 8 ? Double(bitPattern: bits) : Double(Float(bitPattern: UInt32(bits)))
        }
    }
}
