import FoundationEssentials
package import Wire

extension StreamExport {
    /// Reads a file with one export on each line.
    ///
    /// - Parameter file: The file.
    /// - Returns: At least one stream.
    /// - Throws: ``ClientError`` if the file cannot be read or contains something else.
    package static func read(_ file: InputFile) throws(ClientError) -> [StreamExport] {
        let bytes = try file.readToEnd()
        let decoder = JSONDecoder()
        if let one = try? decoder.decode(StreamExport.self, from: Data(bytes)) { return [one] }
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        let streams = lines.compactMap { try? decoder.decode(StreamExport.self, from: Data($0)) }
        guard !streams.isEmpty, streams.count == lines.count else {
            throw ClientError(.data, "\(file.name) is not an export; run 'sluice export' to create one")
        }
        return streams
    }

    /// Returns the values of the state, without the most recent outputs, which are stored after the state.
    ///
    /// - Parameter outputs: The number of outputs that the model has.
    /// - Returns: The values.
    /// - Throws: ``ClientError`` if the daemon did not write base64.
    package func stateValues(outputs: Int) throws(ClientError) -> [Float] {
        guard let values = decodeState() else {
            throw ClientError(.protocol, "the state of stream '\(stream)' is not base64 of whole float32 values")
        }
        return values.dropLast(outputs)
    }
}
