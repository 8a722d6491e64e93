/// The second frame of a timestep message: timesteps of `features` float32 each, one after another; for a model that takes
/// tokens, one int32 each.
public enum Timesteps {
    /// Reads the frame into `values`, which keeps its memory from message to message.
    ///
    /// - Parameters:
    ///   - frame: The bytes as they came.
    ///   - features: Floats in one timestep.
    ///   - values: Replaced by the frame's floats, shape (k, features).
    /// - Returns: k, at least 1.
    /// - Throws: ``DropCause/length`` where the frame is no whole number of timesteps, ``DropCause/nonFinite`` for a NaN
    ///   or an infinity.
    public static func read(
        _ frame: RawSpan, features: Int, into values: inout [Float]
    ) throws(DropCause) -> Int {
        let timestepSize = features * MemoryLayout<Float>.size
        // Most messages have one: no division for them.
        let count = frame.byteCount == timestepSize ? 1 : frame.byteCount / timestepSize
        guard count >= 1, frame.byteCount == count * timestepSize else { throw .length }
        values.resize(to: count * features)
        var target = values.mutableSpan
        for index in target.indices {
            let bits = frame.littleEndian(at: index * MemoryLayout<Float>.size, as: UInt32.self)
            let value = Float(bitPattern: bits)
            guard value.isFinite else { throw .nonFinite }
            target[index] = value
        }
        return count
    }

    /// Reads a frame of tokens into `values`. Whether they are within the vocabulary is for the caller to check.
    ///
    /// - Parameters:
    ///   - frame: The bytes as they came.
    ///   - values: Replaced by the frame's tokens, shape (k, 1). A number past 2²⁴ may be rounded, but stays past it.
    /// - Returns: k, at least 1.
    /// - Throws: ``DropCause/length`` where the frame is no whole number of tokens.
    public static func readTokens(_ frame: RawSpan, into values: inout [Float]) throws(DropCause) -> Int {
        let (count, rest) = frame.byteCount.quotientAndRemainder(dividingBy: MemoryLayout<Int32>.size)
        guard count >= 1, rest == 0 else { throw .length }
        values.resize(to: count)
        for index in values.indices {
            values[index] = Float(frame.littleEndian(at: index * MemoryLayout<Int32>.size, as: Int32.self))
        }
        return count
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

extension [Float] {
    /// Has so many values, whatever they are. Nothing is done where it has as many, as from message to message it mostly has.
    fileprivate mutating func resize(to newCount: Int) {
        if newCount > count { append(contentsOf: repeatElement(0, count: newCount - count)) }
        if newCount < count { removeLast(count - newCount) }
    }
}
