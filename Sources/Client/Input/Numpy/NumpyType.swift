/// The type of an array's numbers.
struct NumpyType: Equatable {
    private enum Kind: Character {
        case float = "f"
        case signed = "i"
        case unsigned = "u"
        case bool = "b"
    }

    /// The size of a number in bytes.
    let size: Int
    private let kind: Kind
    private let isBigEndian: Bool

    /// Creates a type from NumPy's notation, such as `<f4`; nil if the text is not a supported numeric type.
    init?(_ text: String) {
        let parts = Array(text)
        guard parts.count == 3, "<>|=".contains(parts[0]), let kind = Kind(rawValue: parts[1]),
            let size = parts[2].wholeNumberValue
        else { return nil }
        let sizes =
            switch kind {
            case .float: [2, 4, 8]
            case .signed, .unsigned: [1, 2, 4, 8]
            case .bool: [1]
            }
        guard sizes.contains(size) else { return nil }
        self.size = size
        self.kind = kind
        isBigEndian = parts[0] == ">"
    }

    /// Converts a number to float32.
    ///
    /// - Parameter bytes: The number's ``size`` bytes.
    /// - Returns: The nearest float32, which may be infinite.
    func number(_ bytes: ArraySlice<UInt8>) -> Float {
        var bits: UInt64 = 0
        if isBigEndian {
            for byte in bytes { bits = bits << 8 | UInt64(byte) }
        } else {
            for byte in bytes.reversed() { bits = bits << 8 | UInt64(byte) }
        }
        return switch kind {
        case .float where size == 2: Float(Float16(bitPattern: UInt16(bits)))
        case .float where size == 4: Float(bitPattern: UInt32(bits))
        case .float: Float(Double(bitPattern: bits))
        case .signed:
            // Shift the sign bit to the top and back, so that it fills all higher bits.
            Float(Int64(bitPattern: bits << (64 - 8 * UInt64(size))) >> (64 - 8 * Int64(size)))
        case .unsigned: Float(bits)
        case .bool: bits == 0 ? 0 : 1
        }
    }
}
