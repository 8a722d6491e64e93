import Wire

/// One decision of a stream's history, or a mark between two decisions.
public struct HistoryPoint: BitwiseCopyable, Sendable {
    /// The lower half of the time in milliseconds since the Unix epoch. ``CopiedHistory`` restores the upper half.
    let milliseconds: UInt32
    /// The bits of the probability. A mark has the bits of a NaN that is never stored for a decision.
    private let bits: UInt32

    /// The bits that are stored for every NaN from a model. The next higher numbers are the bits of the marks, one for
    /// each kind.
    private static let notANumber: UInt32 = 0x7fc0_0000
    private static let kinds = HistoryMark.Kind.allCases

    /// Creates the point of a decision.
    ///
    /// - Parameters:
    ///   - probability: The output that decided the label.
    ///   - milliseconds: The time since the Unix epoch.
    @inline(__always)
    init(_ probability: Float, at milliseconds: UInt32) {
        self.milliseconds = milliseconds
        bits = probability.isNaN ? Self.notANumber : probability.bitPattern
    }

    /// Creates a mark.
    init(_ kind: HistoryMark.Kind, at milliseconds: UInt32) {
        self.milliseconds = milliseconds
        bits = Self.notANumber + 1 + UInt32(Self.kinds.firstIndex(of: kind) ?? 0)
    }

    /// The kind of a mark; nil for a decision.
    var mark: HistoryMark.Kind? {
        guard bits > Self.notANumber, bits - Self.notANumber <= UInt32(Self.kinds.count) else { return nil }
        return Self.kinds[Int(bits - Self.notANumber - 1)]
    }

    /// The output that decided the label; NaN for a mark.
    var probability: Float { Float(bitPattern: bits) }
}

extension UInt32 {
    /// Converts nanoseconds since the Unix epoch to milliseconds, and keeps the lower half.
    @inline(__always)
    init(millisecondsOf time: Int64) { self.init(truncatingIfNeeded: time / 1_000_000) }
}
