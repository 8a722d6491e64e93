import Recurrent
import Wire

/// The identity of a model: SHA-256 over everything that the model's outputs depend on, and nothing else.
///
/// The hash covers a line with the version of this scheme, then each layer in order. A layer contributes its
/// ``Layer/architecture`` line and its weights: for each weight the rank, the lengths of the axes (each 64 bits,
/// little-endian) and the values (float32, little-endian). Names, statefulness and the file's format are not included.
enum Fingerprint {
    /// Returns the fingerprint as 64 hexadecimal digits.
    static func of(_ model: Model) -> String {
        var hash = SHA256()
        hash.update(Array("sluice model fingerprint 1\n".utf8))
        for layer in model.layers {
            hash.update(Array("\(layer.architecture)\n".utf8))
            for weight in layer.weights {
                for length in [weight.shape.count] + weight.shape {
                    hash.update(littleEndianBytes(UInt64(length)))
                }
                weight.values.withLittleEndianBytes { hash.update($0) }
            }
        }
        return hash.digest().map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    private static func littleEndianBytes<Word: FixedWidthInteger>(_ word: Word) -> [UInt8] {
        (0..<Word.bitWidth / 8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
}
