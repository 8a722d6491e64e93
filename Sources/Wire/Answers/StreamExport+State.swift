import FoundationEssentials

/// The one codec of ``StreamExport/state``.
extension StreamExport {
    /// Encodes the values of a state and the last outputs.
    ///
    /// - Parameter values: The values.
    /// - Returns: Little-endian float32 in base64.
    public static func encodeState(_ values: [Float]) -> String {
        var bytes = Data(capacity: values.count * MemoryLayout<Float>.size)
        for value in values {
            let bits = value.bitPattern
            for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        }
        return bytes.base64EncodedString()
    }

    /// Decodes the values of the state and the last outputs.
    ///
    /// - Returns: The values; nil if ``state`` is not base64 of whole float32 values.
    public func decodeState() -> [Float]? {
        guard let data = Data(base64Encoded: state), data.count.isMultiple(of: MemoryLayout<Float>.size) else {
            return nil
        }
        let bytes = [UInt8](data)
        return stride(from: 0, to: bytes.count, by: MemoryLayout<Float>.size).map { start in
            Float(bitPattern: bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
    }
}
