import FoundationEssentials
import Wire

/// JSON as the tool prints and sends it: on one line, with members sorted by name. Slashes are not escaped, but
/// characters that a terminal would not show are.
package enum JSONText {
    /// Writes a value.
    ///
    /// - Parameter value: The value.
    /// - Returns: One line, without a line end.
    /// - Throws: ``ClientError`` if the value cannot be represented in JSON, such as a NaN.
    package static func line(of value: some Encodable) throws(ClientError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: VisibleText.escaped(json: Array(try encoder.encode(value))), as: UTF8.self)
        } catch {
            throw ClientError(.software, "cannot write JSON: \(error)")
        }
    }
}
