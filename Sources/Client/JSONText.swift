import FoundationEssentials

/// JSON as the tool prints and sends it: one line, members sorted by name, slashes as they are.
public enum JSONText {
    /// Writes a value.
    ///
    /// - Parameter value: The value.
    /// - Returns: One line without its end.
    /// - Throws: ``ClientError`` where the value has no JSON form, as a NaN.
    public static func line(of value: some Encodable) throws(ClientError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw ClientError(.software, "cannot write JSON: \(error)")
        }
    }

    /// Appends a string in quotes, escaped as JSON asks.
    static func appendQuoted(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(hexDigits[Int(byte >> 4)])
                bytes.append(hexDigits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
}
