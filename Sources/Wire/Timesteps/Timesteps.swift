/// The second frame of a timestep message: consecutive timesteps of `features` float32 values each. For a model that
/// takes tokens, each timestep is one int32 instead.
public enum Timesteps {
    /// Returns the number of timesteps in a frame.
    ///
    /// - Parameters:
    ///   - frame: The frame's bytes.
    ///   - features: The number of values in one timestep, at four bytes each.
    /// - Returns: The number of timesteps, at least 1.
    /// - Throws: ``DropCause/length`` if the frame is not a whole number of timesteps.
    @inlinable
    @inline(__always)
    package static func count(in frame: RawSpan, features: Int) throws(DropCause) -> Int {
        let timestepSize = features * MemoryLayout<Float>.size
        // Most messages have one timestep and need no division.
        let count = frame.byteCount == timestepSize ? 1 : frame.byteCount / timestepSize
        guard count >= 1, frame.byteCount == count * timestepSize else { throw .length }
        return count
    }

    /// Reads a frame of floats.
    ///
    /// - Parameters:
    ///   - frame: The frame's bytes, a whole number of timesteps.
    ///   - values: The destination. It must have exactly as many elements as the frame has floats.
    /// - Throws: ``DropCause/nonFinite`` if a value is NaN or infinite. The contents of `values` are then unspecified.
    @inlinable
    @inline(__always)
    package static func read(_ frame: RawSpan, into values: inout MutableSpan<Float>) throws(DropCause) {
        var areFinite = true
        var place = 0
        for index in values.indices {
            let value = Float(bitPattern: frame.littleEndian(at: place, as: UInt32.self))
            areFinite = areFinite && value.isFinite
            values[index] = value
            place += MemoryLayout<Float>.size
        }
        guard areFinite else { throw .nonFinite }
    }

    /// Reads a frame of tokens. The caller checks the tokens against the vocabulary.
    ///
    /// - Parameters:
    ///   - frame: The frame's bytes, a whole number of tokens.
    ///   - values: The destination. It must have exactly as many elements as the frame has tokens. A token above 2²⁴
    ///     may be rounded, but the result is never below 2²⁴.
    public static func readTokens(_ frame: RawSpan, into values: inout MutableSpan<Float>) {
        for index in values.indices {
            values[index] = Float(frame.littleEndian(at: index * MemoryLayout<Int32>.size, as: Int32.self))
        }
    }

    /// Returns a frame with the given floats, shape (k, features).
    public static func bytes(_ values: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * MemoryLayout<Float>.size)
        for value in values {
            bytes.appendLittleEndian(value.bitPattern)
        }
        return bytes
    }

    /// Returns a frame with the given tokens.
    public static func bytes(tokens: [Int32]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tokens.count * MemoryLayout<Int32>.size)
        for token in tokens {
            bytes.appendLittleEndian(token)
        }
        return bytes
    }
}
