/// The labels of sequences in a separate file, such as a NumPy array `y` beside an array `x`.
package struct LabelFile: Sendable {
    /// The name of the file in messages.
    let name: String
    /// One label for each sequence, in the order of the sequences.
    let labels: [Float]

    /// Reads a NumPy array, a JSON array or lines of text, with one number for each sequence.
    ///
    /// - Parameter file: The file.
    /// - Throws: ``ClientError`` if the file cannot be read, or if a row does not consist of exactly one number.
    package init(_ file: InputFile) throws(ClientError) {
        var layout = try RowLayout(stream: "labels", hasHeader: false)
        layout.takesTokens = true
        var source = try RowSource(file, layout: layout)
        var labels: [Float] = []
        while let row = try source.next() {
            guard row.values.count == 1 else {
                throw ClientError(
                    .data,
                    "\(source.place): \(row.values.count) numbers where one label is expected; classes are numbers from "
                        + "0, as numpy.argmax(y, axis=1) gives them for one-hot vectors")
            }
            labels += row.values
        }
        name = file.name
        self.labels = labels
    }
}
