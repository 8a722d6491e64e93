extension Decision {
    /// The parts of a record that counters and a stream's history need.
    package struct Summary {
        /// The time of the decision in nanoseconds since the Unix epoch.
        package let time: Int64
        /// Flags that qualify the decision.
        package let flags: Flags
        /// The label.
        package let label: UInt8
        /// The output that decided the label: the only output, or the output of the class. NaN if there is none.
        package let probability: Float
        /// The length of the record in bytes.
        package let size: Int

        /// Reads a record.
        ///
        /// - Parameters:
        ///   - records: Whole records.
        ///   - offset: The offset of the record in bytes.
        @inlinable
        @inline(__always)
        package init(_ records: RawSpan, at offset: Int) {
            time = records.littleEndian(at: offset + 16, as: Int64.self)
            flags = Flags(rawValue: records.littleEndian(at: offset + 24, as: UInt16.self))
            label = records.littleEndian(at: offset + 26, as: UInt8.self)
            let outputs = Int(records.littleEndian(at: offset + 27, as: UInt8.self))
            size = fixedSize + 4 * outputs
            let output = outputs > 1 ? Int(label) : 0
            let place = offset + fixedSize + 4 * output
            probability = outputs == 0 ? .nan : Float(bitPattern: records.littleEndian(at: place, as: UInt32.self))
        }
    }
}
