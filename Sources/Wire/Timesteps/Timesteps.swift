/// The second frame of a timestep message: timesteps of `features` float32 each, one after another; for a model that takes
/// tokens, one int32 each.
public enum Timesteps {
    /// How many timesteps a frame has.
    ///
    /// - Parameters:
    ///   - frame: The bytes as they came.
    ///   - features: Values in one timestep, of four bytes each.
    /// - Returns: At least 1.
    /// - Throws: ``DropCause/length`` where the frame is no whole number of timesteps.
    @inlinable
    @inline(__always)
    package static func count(in frame: RawSpan, features: Int) throws(DropCause) -> Int {
        let timestepSize = features * MemoryLayout<Float>.size
        // Most messages have one: no division for them.
        let count = frame.byteCount == timestepSize ? 1 : frame.byteCount / timestepSize
        guard count >= 1, frame.byteCount == count * timestepSize else { throw .length }
        return count
    }

    /// Reads a frame of floats.
    ///
    /// - Parameters:
    ///   - frame: The bytes as they came, a whole number of timesteps.
    ///   - values: Replaced by the frame's floats, as many as it has.
    /// - Throws: ``DropCause/nonFinite`` for a NaN or an infinity; what is in `values` means nothing then.
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

    /// Reads a frame of tokens. Whether they are within the vocabulary is for the caller to check.
    ///
    /// - Parameters:
    ///   - frame: The bytes as they came, a whole number of tokens.
    ///   - values: Replaced by the frame's tokens, as many as it has. A number past 2²⁴ may be rounded, but stays past it.
    public static func readTokens(_ frame: RawSpan, into values: inout MutableSpan<Float>) {
        for index in values.indices {
            values[index] = Float(frame.littleEndian(at: index * MemoryLayout<Int32>.size, as: Int32.self))
        }
    }

    /// The frame's bytes for these floats, shape (k, features).
    public static func bytes(_ values: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * MemoryLayout<Float>.size)
        for value in values {
            bytes.appendLittleEndian(value.bitPattern)
        }
        return bytes
    }

    /// The frame's bytes for these tokens.
    public static func bytes(tokens: [Int32]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tokens.count * MemoryLayout<Int32>.size)
        for token in tokens {
            bytes.appendLittleEndian(token)
        }
        return bytes
    }
}
