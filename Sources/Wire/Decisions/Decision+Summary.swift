extension Decision {
    /// The parts of a record that the counters and the histories need.
    package struct Summary {
        /// The time of the decision in nanoseconds since the Unix epoch.
        package let time: Int64
        /// Flags that qualify the decision.
        package let flags: Flags
        /// The label.
        package let label: UInt8
        /// The output that decided the label: the only output, or the output of the class. NaN if there is none.
        package let probability: Float
        /// The number of outputs.
        package let outputs: Int

        /// Reads a record.
        ///
        /// - Parameters:
        ///   - records: Whole records.
        ///   - offset: The offset of the record in bytes.
        @inlinable
        @inline(__always)
        package init(_ records: RawSpan, at offset: Int) {
            self.init(records, at: offset, outputs: Int(records.littleEndian(at: offset + 27, as: UInt8.self)))
        }

        /// Reads a record whose number of outputs is known.
        @inlinable
        @inline(__always)
        package init(_ records: RawSpan, at offset: Int, outputs: Int) {
            time = records.littleEndian(at: offset + 16, as: Int64.self)
            flags = Flags(rawValue: records.littleEndian(at: offset + 24, as: UInt16.self))
            label = records.littleEndian(at: offset + 26, as: UInt8.self)
            self.outputs = outputs
            let output = outputs > 1 ? Int(label) : 0
            let place = offset + fixedSize + 4 * output
            probability = outputs == 0 ? .nan : Float(bitPattern: records.littleEndian(at: place, as: UInt32.self))
        }

        /// The length of the record in bytes.
        @inlinable package var size: Int { fixedSize + 4 * outputs }
    }
}
