import FoundationEssentials
package import Wire

extension StreamExport {
    /// Returns the values of the state, without the last outputs that follow them.
    ///
    /// - Parameter outputs: The number of the model's outputs.
    /// - Returns: The values.
    /// - Throws: ``ClientError`` if the daemon did not write base64.
    package func stateValues(outputs: Int) throws(ClientError) -> [Float] {
        guard let bytes = Data(base64Encoded: state) else {
            throw ClientError(.protocol, "the state of stream '\(stream)' is not base64")
        }
        let values = stride(from: 0, to: bytes.count - 3, by: 4).map { start in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) })
        }
        return values.dropLast(outputs)
    }
}
