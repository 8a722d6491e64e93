import FoundationEssentials

/// Encodes and decodes ``StreamExport/state``.
extension StreamExport {
    /// Encodes a stream's state and last outputs.
    ///
    /// - Parameter values: The values of the state, followed by the last outputs.
    /// - Returns: The values as little-endian float32, in base64.
    public static func encodeState(_ values: [Float]) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * MemoryLayout<Float>.size)
        for value in values { bytes.appendLittleEndian(value.bitPattern) }
        return Data(bytes).base64EncodedString()
    }

    /// Decodes the stream's state and last outputs.
    ///
    /// - Returns: The values; nil if ``state`` is not base64 or does not hold a whole number of float32 values.
    public func decodeState() -> [Float]? {
        guard let data = Data(base64Encoded: state), data.count.isMultiple(of: MemoryLayout<Float>.size) else {
            return nil
        }
        let bytes = [UInt8](data)
        return unsafe [Float](littleEndianBytes: bytes.span.bytes)
    }
}
