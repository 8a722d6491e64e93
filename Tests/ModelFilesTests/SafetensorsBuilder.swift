import Foundation
import ModelFiles
import TestSupport

/// A safetensors file that a test builds from a header and data.
struct SafetensorsBuilder {
    var header: String
    var data: [UInt8]

    /// Creates a file in Sluice's format.
    ///
    /// - Parameters:
    ///   - layers: The JSON of the layers.
    ///   - tensors: The names and shapes of the tensors. Their values are 0.25, 0.5, 0.75, … in order.
    ///   - metadata: Entries to add to `__metadata__` or to replace in it. An empty value removes the entry.
    /// - Throws: Never in practice, because every string has a JSON form.
    init(layers: String, tensors: [(name: String, shape: [Int])], metadata: [String: String] = [:]) throws {
        let standard = [
            "format": "sluice", "format_version": "1",
            "architecture": #"{"class_name": "Sequential", "config": {"layers": [\#(layers)]}}"#,
        ]
        let texts = standard.merging(metadata) { $1 }.filter { !$0.value.isEmpty }
        var entries = [#""__metadata__": "# + String(decoding: try JSONEncoder().encode(texts), as: UTF8.self)]
        data = []
        for tensor in tensors {
            let count = tensor.shape.reduce(1, *)
            entries.append(
                #""\#(tensor.name)": {"dtype": "F32", "shape": \#(tensor.shape), "#
                    + #""data_offsets": [\#(data.count), \#(data.count + 4 * count)]}"#)
            for index in 0..<count {
                data += Self.littleEndian(UInt64((Float(index + 1) / 4).bitPattern), bytes: 4)
            }
        }
        header = "{\(entries.joined(separator: ", "))}"
    }

    /// Creates the smallest model: an LSTM of one unit.
    static func smallest(metadata: [String: String] = [:]) throws -> SafetensorsBuilder {
        try SafetensorsBuilder(
            layers: #"{"class_name": "LSTM", "config": {"name": "lstm", "units": 1}}"#,
            tensors: [("lstm/kernel", [1, 4]), ("lstm/recurrent_kernel", [1, 4]), ("lstm/bias", [4])],
            metadata: metadata)
    }

    /// Returns the bytes of the file. If `headerLength` is given, the file states it as the length of the header.
    func bytes(headerLength: UInt64? = nil) -> [UInt8] {
        let text = Array(header.utf8)
        return Self.littleEndian(headerLength ?? UInt64(text.count), bytes: 8) + text + data
    }

    private static func littleEndian(_ word: UInt64, bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }

    func read() throws -> ModelFile { try PatchedFile(bytes: bytes()).read() }
}
