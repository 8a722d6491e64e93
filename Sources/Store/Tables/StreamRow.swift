import GRDB
import Streams

/// Converts between slices of streams and the columns that the tables `stream` and `snapshot_stream` share.
enum StreamRow {
    /// The shared columns, in the order that all statements of this type use. The values are little-endian float32.
    static let columns = #"weights, id, sequence, step, time, label, gap_pending, "values""#

    static let columnCount = 8

    /// Returns the id of a row, for an error.
    static func id(_ statement: Statement, at column: Int) -> String {
        var id = ""
        statement.withText(column) { bytes in
            id = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
        }
        return id
    }

    /// Sets the parameters for one stream, in the order of ``columns``.
    static func bind(
        _ slice: StreamSlice, _ number: Int, weights: [Int64], to statement: Statement, at first: Int
    ) {
        let entry = slice.entries[number]
        statement.bind(weights[entry.weights], at: first)
        statement.bind(text: slice.id(number), at: first + 1)
        statement.bind(Int64(bitPattern: entry.sequence), at: first + 2)
        statement.bind(Int64(bitPattern: entry.step), at: first + 3)
        statement.bind(entry.time, at: first + 4)
        statement.bind(entry.label.map { Int64($0) }, at: first + 5)
        statement.bind(entry.gapPending ? 1 : 0, at: first + 6)
        unsafe statement.bind(blob: slice.values(number).bytes, at: first + 7)
    }

    /// Returns the checksum of a row of `stream` that is about to be written.
    static func checksumOfStream(
        _ slice: StreamSlice, _ number: Int, weights: [Int64], _ checksum: inout Checksum
    ) -> UInt64 {
        let entry = slice.entries[number]
        checksum.begin(.stream)
        checksum.add(Int64(entry.key))
        checksum.add(entry.position)
        add(slice, number, weights: weights, to: &checksum)
        return checksum.end()
    }

    /// Returns the checksum of a row of `snapshot_stream` that is about to be written.
    static func checksum(
        ofSnapshot snapshot: Int64, _ slice: StreamSlice, _ number: Int, weights: [Int64], _ checksum: inout Checksum
    ) -> UInt64 {
        checksum.begin(.snapshotStream)
        checksum.add(snapshot)
        add(slice, number, weights: weights, to: &checksum)
        return checksum.end()
    }

    private static func add(_ slice: StreamSlice, _ number: Int, weights: [Int64], to checksum: inout Checksum) {
        let entry = slice.entries[number]
        checksum.add(weights[entry.weights])
        checksum.add(unsafe slice.id(number).bytes)
        checksum.add(entry.sequence)
        checksum.add(entry.step)
        checksum.add(entry.time)
        checksum.add(entry.label.map { Int64($0) })
        checksum.add(entry.gapPending ? Int64(1) : 0)
        checksum.add(unsafe slice.values(number).bytes)
    }

    /// Computes the checksum of a row of `stream` from the row's contents.
    ///
    /// - Parameters:
    ///   - statement: A statement that is positioned on the row. Its columns are key, position and ``columns``.
    ///   - checksum: A buffer to reuse.
    /// - Returns: The checksum.
    static func checksumOfStream(_ statement: Statement, _ checksum: inout Checksum) -> UInt64 {
        checksum.begin(.stream)
        checksum.add(statement.int64(0))
        checksum.add(statement.int64(1))
        add(statement, at: 2, to: &checksum)
        return checksum.end()
    }

    /// Computes the checksum of a row of `snapshot_stream` from the row's contents.
    ///
    /// - Parameters:
    ///   - snapshot: The snapshot's number.
    ///   - statement: A statement that is positioned on the row. Its first columns are ``columns``.
    ///   - checksum: A buffer to reuse.
    /// - Returns: The checksum.
    static func checksum(ofSnapshot snapshot: Int64, _ statement: Statement, _ checksum: inout Checksum) -> UInt64 {
        checksum.begin(.snapshotStream)
        checksum.add(snapshot)
        add(statement, at: 0, to: &checksum)
        return checksum.end()
    }

    private static func add(_ statement: Statement, at first: Int, to checksum: inout Checksum) {
        checksum.add(statement.int64(first))
        statement.withText(first + 1) { checksum.add(unsafe $0.bytes) }
        for column in (first + 2)...(first + 4) { checksum.add(statement.int64(column)) }
        checksum.add(statement.isNull(first + 5) ? nil : Optional(statement.int64(first + 5)))
        checksum.add(statement.int64(first + 6))
        statement.withBytes(first + 7) { checksum.add($0) }
    }

    /// Appends the stream in a row to a slice.
    ///
    /// - Parameters:
    ///   - statement: A statement that is positioned on the row.
    ///   - first: The index of the first of ``columns`` in the row.
    ///   - key: The stream's key.
    ///   - position: The position of the last journal record that the stream's state reflects.
    ///   - weights: The table that maps the column `weights` to fingerprints.
    ///   - values: A buffer to reuse.
    ///   - slice: The slice to append to.
    static func append(
        _ statement: Statement, at first: Int, key: UInt32, position: UInt64, weights: WeightsTable,
        using values: inout [Float], to slice: inout StreamSlice
    ) {
        let entry = StreamSlice.Entry(
            key: key, weights: weights.index(of: statement.int64(first)),
            sequence: UInt64(bitPattern: statement.int64(first + 2)),
            step: UInt64(bitPattern: statement.int64(first + 3)), time: statement.int64(first + 4),
            label: statement.isNull(first + 5) ? nil : UInt8(truncatingIfNeeded: statement.int64(first + 5)),
            gapPending: statement.int64(first + 6) != 0, position: position)
        statement.withBytes(first + 7) { bytes in
            values.removeAll(keepingCapacity: true)
            // If the length is damaged, append the stream without values. Every state has values, so the row is refused
            // later.
            guard bytes.byteCount % MemoryLayout<Float>.size == 0 else { return }
            for offset in stride(from: 0, to: bytes.byteCount, by: MemoryLayout<Float>.size) {
                values.append(unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Float.self))
            }
        }
        statement.withText(first + 1) { slice.append(entry, id: $0, values: values.span) }
    }
}

#if _endian(big)
#error("the floats of a row are little-endian, and are not turned round here")
#endif
