import FoundationEssentials
import Recurrent

/// A weight that lies in a file as little-endian floats, one after another in row-major order.
///
/// The process that reads a Keras file returns such a place instead of a copy of the numbers, so that a large weight is
/// copied only once: from the file into the array that the engine reads.
package struct TensorPlace: Codable, Equatable, Sendable {
    /// The weight's name in the exchange form.
    package let name: String
    /// The length of each axis, outermost first.
    package let shape: [Int]
    /// The position of the first byte in the file.
    package let start: Int

    /// Creates a place. Each parameter sets the property of the same name.
    package init(name: String, shape: [Int], start: Int) {
        self.name = name
        self.shape = shape
        self.start = start
    }

    /// Reads the weight. The place is untrusted.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if the place is not in the file, or `unreadable`.
    func tensor(in file: FileBytes) throws(Defect) -> NamedTensor {
        var size = MemoryLayout<Float>.size
        for length in shape {
            let (product, isTooLarge) = size.multipliedReportingOverflow(by: length)
            guard length > 0, !isTooLarge else { throw notInFile }
            size = product
        }
        guard start >= 0, size <= file.size, start <= file.size - size else { throw notInFile }
        let values: [Float] = try file.values(start..<start + size)
        do {
            return NamedTensor(name: name, tensor: try Tensor(shape: shape, values: values))
        } catch {
            // The file has become shorter.
            throw notInFile
        }
    }

    private var notInFile: Defect {
        Defect(.corrupt, "weight '\(name)' of shape \(shape) is not in the file at \(start)")
    }

    /// Returns the text of places in JSON.
    static func json(_ places: [TensorPlace]) -> String? {
        (try? JSONEncoder().encode(places)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Decodes places from JSON; nil if the text is something else.
    static func places(_ json: String) -> [TensorPlace]? {
        try? JSONDecoder().decode([TensorPlace].self, from: Data(json.utf8))
    }
}
