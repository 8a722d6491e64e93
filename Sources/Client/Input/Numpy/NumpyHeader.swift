/// The header of an array that NumPy wrote with `numpy.save`
/// (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).
struct NumpyHeader: Equatable {
    /// The bytes with which every `.npy` file begins.
    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// The maximum length of a header, in bytes. NumPy's own limit is 10,000 bytes.
    static let maximumLength = 1 << 16

    /// The type of the numbers.
    let type: NumpyType
    /// Whether the first index varies fastest.
    let isFortranOrder: Bool
    /// The length of each axis.
    let shape: [Int]

    /// Reads the text of a header, such as `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
    ///
    /// - Parameters:
    ///   - text: The text, a Python dictionary literal.
    ///   - name: The name of the file, for messages.
    /// - Throws: ``ClientError`` with the status `data` if the text is not such a dictionary, or if the array's
    ///   elements are not numbers but objects or records, for example.
    init(_ text: String, name: String) throws(ClientError) {
        var literal = PythonLiteral(text)
        guard let members = literal.dictionary(), let shape = members["shape"]?.shape,
            let order = members["fortran_order"], let description = members["descr"]
        else {
            throw ClientError(.data, "\(name): the header of the .npy file is damaged: \(text.prefix(100))")
        }
        guard let type = NumpyType(description.text) else {
            let kind = description.text.hasPrefix("|O") ? "Python objects, which are not read" : "'\(description.text)'"
            throw ClientError(
                .data,
                "\(name): the array's type is \(kind); save numbers with numpy.save(file, x.astype(\"float32\"))")
        }
        self.type = type
        self.shape = shape
        isFortranOrder = order.text == "True"
    }

    /// The shape as NumPy writes it, such as `(3, 4)`.
    var shapeText: String {
        shape.count == 1 ? "(\(shape[0]),)" : "(\(shape.map { "\($0)" }.joined(separator: ", ")))"
    }
}

/// Reads the few kinds of Python literals that occur in a header.
private struct PythonLiteral {
    /// A value's text, without the quotes of a string.
    struct Value {
        let text: String

        /// The elements of a tuple of whole numbers, such as `(3, 4)`; nil if the value is not such a tuple. The form
        /// `(3L, 4L)`, which Python 2 wrote, is accepted too.
        var shape: [Int]? {
            guard text.hasPrefix("("), text.hasSuffix(")") else { return nil }
            var lengths: [Int] = []
            for part in text.dropFirst().dropLast().split(separator: ",") {
                let digits = part.filter { $0 != " " && $0 != "L" }
                if digits.isEmpty { continue }
                guard let length = Int(digits), length >= 0 else { return nil }
                lengths.append(length)
            }
            return lengths
        }
    }

    private var rest: Substring

    init(_ text: String) { rest = text[...] }

    /// Reads a dictionary with strings as keys; nil if the text is not such a dictionary.
    mutating func dictionary() -> [String: Value]? {
        guard take("{") else { return nil }
        var members: [String: Value] = [:]
        while !take("}") {
            guard let key = string(), take(":"), let value = value() else { return nil }
            members[key] = value
            guard take(",") || rest.first == "}" else { return nil }
        }
        return members
    }

    private mutating func value() -> Value? {
        skipBlanks()
        if let string = string() { return Value(text: string) }
        // The value is a tuple, a list of fields or a word. It ends at the next comma or brace outside of brackets.
        var depth = 0
        let text = rest.prefix { character in
            if depth == 0, ",}".contains(character) { return false }
            if "([".contains(character) { depth += 1 }
            if ")]".contains(character) { depth -= 1 }
            return true
        }
        rest = rest[text.endIndex...]
        return text.isEmpty ? nil : Value(text: String(text).withoutBlanks)
    }

    private mutating func string() -> String? {
        skipBlanks()
        guard let quote = rest.first, quote == "'" || quote == "\"" else { return nil }
        let text = rest.dropFirst().prefix { $0 != quote }
        guard text.endIndex < rest.endIndex else { return nil }
        rest = rest[text.endIndex...].dropFirst()
        return String(text)
    }

    private mutating func take(_ mark: Character) -> Bool {
        skipBlanks()
        guard rest.first == mark else { return false }
        rest.removeFirst()
        skipBlanks()
        return true
    }

    private mutating func skipBlanks() { rest = rest.drop { $0 == " " || $0 == "\n" } }
}
