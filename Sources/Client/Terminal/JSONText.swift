import FoundationEssentials
import Wire

/// JSON as the tool prints and sends it: on one line, with members sorted by name, unescaped slashes, and escapes for
/// characters that a terminal would not show.
package enum JSONText {
    /// Writes a value.
    ///
    /// - Parameter value: The value.
    /// - Returns: One line without its end.
    /// - Throws: ``ClientError`` if the value has no JSON form, such as a NaN.
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
