/// Finds and replaces a member of the outermost object in JSON, without changing any other byte.
enum JSONMember {
    /// Returns the range of a member's value; nil if the JSON is not an object or has no such member.
    static func range(of name: String, in json: [UInt8]) -> Range<Int>? {
        let quoted = Array("\"\(name)\"".utf8)
        var depth = 0
        var index = 0
        // The most recent string directly inside the outermost object. If a colon follows, the string is a member's
        // name.
        var string = 0..<0
        var start: Int?
        while index < json.count {
            switch json[index] {
            case UInt8(ascii: "\""):
                let end = endOfString(at: index, in: json)
                if depth == 1 { string = index..<end }
                index = end
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ":") where depth == 1:
                if start == nil, json[string].elementsEqual(quoted) { start = index + 1 }
            case UInt8(ascii: ",") where depth == 1:
                if let start { return trimmed(start..<index, in: json) }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return start.map { trimmed($0..<index, in: json) } }
            default: break
            }
            index += 1
        }
        return nil
    }

    /// Replaces the value of a member, or adds the member at the end if the object lacks it.
    ///
    /// - Parameters:
    ///   - name: The member's name.
    ///   - value: The new value, as JSON.
    ///   - json: The object.
    /// - Returns: The changed text.
    static func setting(_ name: String, to value: [UInt8], in json: [UInt8]) -> [UInt8] {
        if let range = range(of: name, in: json) {
            return json[..<range.lowerBound] + value + json[range.upperBound...]
        }
        guard let end = json.lastIndex(of: UInt8(ascii: "}")) else { return json }
        let isEmpty = !json[..<end].contains(UInt8(ascii: ":"))
        return json[..<end] + Array("\(isEmpty ? "" : ", ")\"\(name)\": ".utf8) + value + json[end...]
    }

    private static func endOfString(at start: Int, in json: [UInt8]) -> Int {
        var index = start + 1
        while index < json.count, json[index] != UInt8(ascii: "\"") {
            index += json[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index + 1, json.count)
    }

    private static func trimmed(_ range: Range<Int>, in json: [UInt8]) -> Range<Int> {
        let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
        var range = range
        while let first = range.first, isSpace(json[first]) { range = (first + 1)..<range.upperBound }
        while let last = range.last, isSpace(json[last]) { range = range.lowerBound..<last }
        return range
    }
}
