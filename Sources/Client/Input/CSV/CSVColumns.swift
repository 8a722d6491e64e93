import Wire

/// The meaning of a CSV file's columns, determined by their names.
struct CSVColumns {
    /// The number of columns.
    let count: Int
    /// The column with the stream's id; nil if there is none.
    let stream: Int?
    /// The column whose value identifies a row's sequence; nil if not requested.
    let sequence: Int?
    /// The column with the label; nil if not requested, or if it is optional and missing.
    let label: Int?
    /// The column with the weight; nil if not requested.
    let weight: Int?
    /// The columns that hold the values of a timestep in the model's order, or the values or letters of a whole
    /// sequence.
    let values: [Int]

    private let names: [String]

    /// Finds the columns.
    ///
    /// - Parameters:
    ///   - names: The columns' names in order.
    ///   - layout: The meaning of the columns.
    ///   - place: The position of the names, for messages.
    /// - Throws: ``ClientError`` if a column is missing or repeated, or if none is left for the values.
    init(names: [String], layout: RowLayout, place: String) throws(ClientError) {
        func index(of column: String) throws(ClientError) -> Int {
            guard let index = names.firstIndex(of: column) else {
                throw ClientError(
                    .data,
                    "\(place): there is no column '\(column)'"
                        + Suggestion.words(
                            for: column, among: names, else: "there are \(names.joined(separator: ", "))"))
            }
            guard names.lastIndex(of: column) == index else {
                throw ClientError(.data, "\(place): two columns are named '\(column)'")
            }
            return index
        }
        func index(ofAny column: String?) throws(ClientError) -> Int? {
            if let column { try index(of: column) } else { nil }
        }
        let usualStream = layout.stream == nil ? names.first { $0 == RowLayout.usualStreamColumn } : nil
        stream = try index(ofAny: layout.streamColumn ?? usualStream)
        let isNumbered = layout.alphabet != nil || layout.isWide && layout.numbersSequences
        guard stream != nil || layout.stream != nil || isNumbered else {
            throw ClientError(
                .usage, "a CSV file without a column 'stream' needs --stream ID or --stream-column NAME")
        }
        sequence = try index(ofAny: layout.sequenceColumn)
        let labelName = layout.label.flatMap { $0.isRequired || names.contains($0.name) ? $0.name : nil }
        label = try index(ofAny: labelName)
        weight = try index(ofAny: layout.weightColumn)
        if let columns = layout.valueColumns {
            var values: [Int] = []
            for column in columns { values.append(try index(of: column)) }
            self.values = values
        } else if layout.alphabet != nil {
            values = [try index(of: Alphabet.usualColumn)]
        } else {
            let others = [stream, sequence, label, weight].compactMap(\.self)
            values = names.indices.filter { !others.contains($0) && !RowLayout.isNoValue(names[$0]) }
        }
        guard !values.isEmpty else { throw ClientError(.data, "\(place): no column is left for the values") }
        count = names.count
        self.names = names
    }

    /// Returns a column's name.
    subscript(_ index: Int) -> String { names[index] }
}
