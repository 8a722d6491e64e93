/// Reads an array that NumPy wrote with `numpy.save`. In an array of shape (sequences, timesteps, features), each row
/// is a whole sequence. In an array of shape (timesteps, features), each row is a timestep, and the array is one
/// sequence or a part of a stream. For models that take tokens, the arrays have no feature axis.
///
/// An array in C order is read row by row. An array in Fortran order is read as a whole, because its rows are not
/// contiguous.
struct NumpyRows: RowReader {
    /// The maximum size of an array in Fortran order, in bytes.
    private static let maximumFortranSize = 1 << 30
    /// The maximum size of a sequence, in bytes.
    private static let maximumSequenceSize = 1 << 28

    private var reader: InputReader
    private let layout: RowLayout
    private let type: NumpyType
    /// The shape, with an axis of length 1 for each axis that the array lacks.
    private let shape: (sequences: Int, timesteps: Int, features: Int)
    /// Whether the array has no sequence axis, so that all rows belong to one sequence.
    let isOneSequence: Bool
    /// All bytes of an array in Fortran order; nil if the array is in C order.
    private var whole: [UInt8]?
    private var bytes: [UInt8] = []
    /// The number of rows read.
    private var rowNumber = 0
    private var isCut = false

    /// Reads the header. If the array is in Fortran order, reads the whole array too.
    ///
    /// - Parameters:
    ///   - reader: The file, positioned at its first byte.
    ///   - layout: The meaning of the rows.
    /// - Throws: ``ClientError`` if the file is not an array that can be read, or if the layout names columns.
    init(_ reader: InputReader, layout: RowLayout) throws(ClientError) {
        self.reader = reader
        self.layout = layout
        let name = reader.name
        guard layout.valueColumns == nil, layout.sequenceColumn == nil, layout.streamColumn == nil,
            layout.label?.isRequired != true, layout.weightColumn == nil, layout.alphabet == nil, !layout.isWide
        else {
            throw ClientError(
                .usage,
                "\(name): a .npy array has no columns; leave out the options that name columns, --alphabet and --wide")
        }
        let header = try Self.header(&self.reader)
        type = header.type
        (shape, isOneSequence) = try Self.axes(of: header, takesTokens: layout.takesTokens, name: name)
        guard layout.stream(ofSequence: 1) != nil else {
            throw ClientError(.usage, "\(name): a .npy array names no streams; give --stream ID")
        }
        // Count a length of 0 as 1, so that it does not hide other lengths that are too large.
        let (size, isTooLarge) = header.shape.reduce((type.size, false)) { size, length in
            let product = size.0.multipliedReportingOverflow(by: max(1, length))
            return (product.partialValue, size.1 || product.overflow)
        }
        let count = header.shape.contains(0) ? 0 : size
        guard !isTooLarge else { throw ClientError(.data, "\(name): the shape \(header.shapeText) is too large") }
        if !isOneSequence, rowSize > Self.maximumSequenceSize {
            throw ClientError(
                .data,
                "\(name): a sequence of the shape \(header.shapeText) has more than \(Self.maximumSequenceSize) bytes; "
                    + "save each as an array (timesteps, features)")
        }
        guard header.isFortranOrder else { return }
        guard count <= Self.maximumFortranSize else {
            throw ClientError(
                .data,
                "\(name): the array is in Fortran order and larger than \(Self.maximumFortranSize) bytes; save it with "
                    + "numpy.save(file, numpy.ascontiguousarray(x))")
        }
        var all: [UInt8] = []
        try self.reader.next(count, into: &all)
        guard all.count == count else { throw cut(missing: count - all.count) }
        whole = all
    }

    var byteCount: Int { reader.byteCount }
    var wouldWait: Bool {
        let isAtEnd = whole != nil || rowNumber == rowCount
        return reader.wouldWait(forBytes: isAtEnd ? 1 : min(rowSize, 1 << 16))
    }
    var isDamaged: Bool { isCut || reader.isDamaged }

    /// The position of the last row in NumPy's index notation, such as `data.npy[17]`.
    var place: String { "\(reader.name)[\(rowNumber - 1)]" }

    private var rowCount: Int { isOneSequence ? shape.timesteps : shape.sequences }
    private var timestepsInRow: Int { isOneSequence ? 1 : shape.timesteps }
    private var rowSize: Int { timestepsInRow * shape.features * type.size }

    /// Reads the next row; nil after the last one.
    mutating func next() throws(ClientError) -> InputRow? {
        guard timestepsInRow > 0, rowNumber < rowCount else {
            try expectEnd()
            return nil
        }
        rowNumber += 1
        let number = isOneSequence ? 1 : rowNumber
        guard let values = if let whole { valuesInFortranOrder(whole) } else { try nextValues() } else { return nil }
        if let wrong = values.firstIndex(where: { !$0.isFinite }) {
            let position = "\(isOneSequence ? "" : "\(wrong / shape.features), ")\(wrong % shape.features)"
            throw ClientError(
                .data, "\(reader.name)[\(rowNumber - 1), \(position)]: \(values[wrong]) is not a finite number")
        }
        return InputRow(
            stream: layout.stream(ofSequence: number) ?? "", values: values, timesteps: timestepsInRow,
            flags: isOneSequence ? [] : [.start, .end])
    }

    /// Reads the values of the next row; nil after an interruption.
    private mutating func nextValues() throws(ClientError) -> [Float]? {
        bytes.removeAll(keepingCapacity: true)
        try reader.next(rowSize, into: &bytes)
        guard bytes.count == rowSize else {
            if reader.isInterrupted { return nil }
            throw cut(missing: rowSize * (rowCount - rowNumber + 1) - bytes.count)
        }
        return stride(from: 0, to: rowSize, by: type.size).map { type.number(bytes[$0..<($0 + type.size)]) }
    }

    private func valuesInFortranOrder(_ all: [UInt8]) -> [Float] {
        (0..<(timestepsInRow * shape.features)).map { index in
            let sequence = isOneSequence ? 0 : rowNumber - 1
            let timestep = isOneSequence ? rowNumber - 1 : index / shape.features
            let feature = index % shape.features
            let offset = (sequence + shape.sequences * (timestep + shape.timesteps * feature)) * type.size
            return type.number(all[offset..<(offset + type.size)])
        }
    }

    private mutating func expectEnd() throws(ClientError) {
        guard !isCut, try reader.nextByte() != nil else { return }
        isCut = true
        throw ClientError(.data, "\(reader.name): other data follows the array; give one array in a file")
    }

    private mutating func cut(missing: Int) -> ClientError {
        isCut = true
        return ClientError(
            .data, "\(reader.name): the array is cut: the last \(missing) bytes are missing; save or copy it again")
    }
}

extension NumpyRows {
    private static func header(_ reader: inout InputReader) throws(ClientError) -> NumpyHeader {
        var start: [UInt8] = []
        try reader.next(NumpyHeader.magic.count + 2, into: &start)
        guard start.starts(with: NumpyHeader.magic), start.count == NumpyHeader.magic.count + 2 else {
            throw ClientError(.data, "\(reader.name): this is not an array that numpy.save wrote, or it is cut")
        }
        let version = start[NumpyHeader.magic.count]
        guard (1...3).contains(version) else {
            throw ClientError(
                .data, "\(reader.name): version \(version) of the .npy format is unknown; 1, 2 and 3 are read")
        }
        var length: [UInt8] = []
        let size = version == 1 ? 2 : 4
        try reader.next(size, into: &length)
        let count = length.reversed().reduce(0) { $0 << 8 | Int($1) }
        var text: [UInt8] = []
        if count <= NumpyHeader.maximumLength { try reader.next(count, into: &text) }
        guard length.count == size, text.count == count else {
            throw ClientError(.data, "\(reader.name): the header of the .npy file is cut or damaged")
        }
        return try NumpyHeader(String(decoding: text, as: UTF8.self), name: reader.name)
    }

    /// Returns the lengths of the three axes, and whether the array has no sequence axis.
    private static func axes(
        of header: NumpyHeader, takesTokens: Bool, name: String
    ) throws(ClientError) -> ((sequences: Int, timesteps: Int, features: Int), isOneSequence: Bool) {
        let shape = header.shape
        guard shape.last != 0 || takesTokens && shape.count < 3 else {
            throw ClientError(.data, "\(name): an array of the shape \(header.shapeText) has no values")
        }
        switch (shape.count, takesTokens) {
        case (3, _): return ((shape[0], shape[1], shape[2]), false)
        case (2, false): return ((1, shape[0], shape[1]), true)
        case (2, true): return ((shape[0], shape[1], 1), false)
        case (1, true): return ((1, shape[0], 1), true)
        default:
            let forms =
                takesTokens
                ? "(timesteps,) and (sequences, timesteps)"
                : "(timesteps, features) and (sequences, timesteps, features)"
            let advice = shape.count == 1 ? "; one value in a timestep is x[:, numpy.newaxis]" : ""
            throw ClientError(
                .data, "\(name): the shape is \(header.shapeText), but the model takes \(forms)\(advice)")
        }
    }
}
