package import Wire

extension StreamExport {
    /// Returns the values of the state, without the last outputs that follow them.
    ///
    /// - Parameter outputs: The number of the model's outputs.
    /// - Returns: The values.
    /// - Throws: ``ClientError`` if the daemon did not write base64.
    package func stateValues(outputs: Int) throws(ClientError) -> [Float] {
        guard let values = decodeState() else {
            throw ClientError(.protocol, "the state of stream '\(stream)' is not base64 of whole float32 values")
        }
        return values.dropLast(outputs)
    }
}
