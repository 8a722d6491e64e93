/// A number that Python writes into JSON although JSON cannot express it: NaN, Infinity or -Infinity.
enum PythonNumber {
    /// Finds the first such number.
    ///
    /// - Parameter json: The text, which is valid JSON except for these numbers.
    /// - Returns: The option that has the number as its value, and the number, such as `mask_value=NaN`; nil if there
    ///   is none.
    static func first(in json: [UInt8]) -> String? {
        let numbers = [Array("NaN".utf8), Array("Infinity".utf8)]
        var option: [UInt8] = []
        var index = 0
        while index < json.count {
            if json[index] == UInt8(ascii: "\"") {
                let end = endOfString(in: json, from: index + 1)
                option = Array(json[(index + 1)..<end].prefix(100))
                index = end + 1
            } else if let number = numbers.first(where: { json[index...].starts(with: $0) }) {
                return String(decoding: option + [UInt8(ascii: "=")] + number, as: UTF8.self)
            } else {
                index += 1
            }
        }
        return nil
    }

    /// Returns the index of the quotation mark that ends a string; the end of the text if there is none.
    private static func endOfString(in json: [UInt8], from start: Int) -> Int {
        var index = start
        while index < json.count, json[index] != UInt8(ascii: "\"") {
            index += json[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index, json.count)
    }
}
