import FoundationEssentials
import Wire

/// A source of JSON text, row by row: the lines of a file, or the elements of a JSON array.
protocol RowTexts {
    var byteCount: Int { get }
    /// Whether reading the next line or element would block.
    var wouldWait: Bool { get }
    /// Whether the file is damaged. If it is, nothing more can be read.
    var isDamaged: Bool { get }
    /// The position of the last line or element, for messages.
    var place: String { get }

    /// Reads the next line or element.
    ///
    /// - Parameter text: The buffer to which the text is appended.
    /// - Returns: Whether there was another line or element.
    /// - Throws: ``ClientError`` if reading fails.
    mutating func next(into text: inout [UInt8]) throws(ClientError) -> Bool
}

extension InputReader: RowTexts {}

/// Reads timesteps from JSON lines or from the elements of a JSON array. A row is an object such as
/// `{"stream":"s1","values":[0.1],"sequence":7,"start":true,"end":false}`, where `values` may hold several timesteps.
/// If the layout names value columns, the objects have a member for each value instead. If the layout names the stream,
/// a row may also be just the values.
struct JSONRows: RowReader {
    private var texts: any RowTexts
    private let layout: RowLayout
    /// The text of the last row.
    private var text: [UInt8] = []
    private var starts = SequenceStarts()
    /// The number of rows read.
    private var rowNumber = 0
    private let decoder = JSONDecoder()

    /// Creates a reader.
    ///
    /// - Parameters:
    ///   - reader: The file, positioned at its first byte.
    ///   - isArray: Whether the rows are the elements of an array. If not, each line is a row.
    ///   - layout: The meaning of the members.
    init(_ reader: InputReader, isArray: Bool, layout: RowLayout) {
        texts = isArray ? JSONElements(reader) : reader
        self.layout = layout
        if let key = JSONObjectRow.layout { decoder.userInfo[key] = layout }
    }

    var byteCount: Int { texts.byteCount }
    var wouldWait: Bool { texts.wouldWait }
    var isDamaged: Bool { texts.isDamaged }
    var place: String { texts.place }

    /// Reads the next row; nil at the end.
    mutating func next() throws(ClientError) -> InputRow? {
        repeat {
            text.removeAll(keepingCapacity: true)
            guard try texts.next(into: &text) else { return nil }
            if text.starts(with: InputReader.byteOrderMark) { text.removeFirst(InputReader.byteOrderMark.count) }
        } while text.isBlank
        rowNumber += 1
        var (row, sequence) = try parsedRow()
        if layout.isWide {
            row.flags = [.start, .end]
            row.isUndivided = row.timesteps == 1
        }
        if row.stream.isEmpty, layout.isWide { row.stream = layout.stream(ofSequence: rowNumber) ?? "" }
        try RowSource.check(row.stream, place: place)
        if let sequence, starts.record(stream: row.stream, value: sequence) { row.flags.insert(.start) }
        return row
    }

    private func parsedRow() throws(ClientError) -> (InputRow, sequence: [UInt8]?) {
        let first = text.first { !$0.isWhiteSpace }
        let isObject = first == UInt8(ascii: "{")
        do {
            if isObject {
                let json = try decoder.decode(JSONObjectRow.self, from: Data(text))
                return (json.row, json.sequence)
            }
            if first == UInt8(ascii: "[") {
                let json = try decoder.decode(JSONTimesteps.self, from: Data(text))
                return (try bareRow(json.values, timesteps: json.count, isNested: json.isNested), nil)
            }
            return (try bareRow([try decoder.decode(Float.self, from: Data(text))]), nil)
        } catch let error as ClientError {
            throw error
        } catch let DecodingError.keyNotFound(key, _) {
            throw ClientError(.data, "\(place): the member '\(key.stringValue)' is missing")
        } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context) {
            throw ClientError(.data, "\(place): \(context.explanation)")
        } catch let DecodingError.dataCorrupted(context) {
            let isJSON = (try? JSONDecoder().decode(JSONValue.self, from: Data(text))) != nil
            guard isJSON else { throw ClientError(.data, "\(place): not a JSON \(isObject ? "object" : "row")") }
            // For a number that is too large for float32, the error has neither a path nor a useful description.
            let problem = context.isEmpty ? "a number too large for float32" : context.explanation
            throw ClientError(.data, "\(place): \(problem)")
        } catch {
            throw ClientError(.data, "\(place): not a JSON row")
        }
    }

    /// Returns a row that consists only of values. An array of timesteps is a whole sequence.
    private func bareRow(
        _ values: [Float], timesteps: Int = 1, isNested: Bool = false
    ) throws(ClientError) -> InputRow {
        let label = layout.label.flatMap { $0.isRequired ? $0.name : nil }
        if let name = layout.streamColumn ?? layout.sequenceColumn ?? label ?? layout.weightColumn
            ?? layout.valueColumns?.first
        {
            throw ClientError(.data, "\(place): a row without names, but the options name the member '\(name)'")
        }
        let isSequence = isNested || layout.isWide
        guard let stream = layout.stream(ofSequence: isSequence ? rowNumber : 1) else {
            throw ClientError(.data, "\(place): a row without names needs --stream ID")
        }
        return InputRow(
            stream: stream, values: values, timesteps: timesteps, flags: isSequence ? [.start, .end] : [])
    }
}

extension DecodingError.Context {
    /// Whether the error has no path, and its description is not one of ``JSONTimesteps/problems``.
    fileprivate var isEmpty: Bool { codingPath.isEmpty && !JSONTimesteps.problems.contains(debugDescription) }

    fileprivate var explanation: String {
        let path = codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined()
        return path.isEmpty ? debugDescription : "'\(path)': \(debugDescription)"
    }
}
