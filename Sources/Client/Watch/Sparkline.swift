/// Probabilities as a line of small bars, the newest on the right: `▁▂▅█`.
package struct Sparkline: Equatable, Sendable {
    /// The number of values that fit.
    package let capacity: Int
    private var values: [Float] = []
    private var next = 0

    /// Creates an empty sparkline.
    ///
    /// - Parameter capacity: The number of values that fit, at least 1.
    package init(capacity: Int = 30) {
        precondition(capacity >= 1)
        self.capacity = capacity
    }

    /// Adds a value, and removes the oldest if there is no room.
    ///
    /// - Parameter value: A probability, 0 to 1. A value outside this range appears as the nearer end.
    package mutating func append(_ value: Float) {
        if values.count < capacity {
            values.append(value)
        } else {
            values[next] = value
            next = (next + 1) % capacity
        }
    }

    /// The bars, with a blank for a NaN.
    package var text: String {
        String((values[next...] + values[..<next]).map(Self.bar))
    }

    private static let bars = Array("▁▂▃▄▅▆▇█")

    private static func bar(_ value: Float) -> Character {
        guard !value.isNaN else { return " " }
        return bars[Int(min(max(value, 0), 1) * Float(bars.count - 1) + 0.5)]
    }
}
