/// Probabilities as a line of small bars, the newest on the right: `▁▂▅█`.
package struct Sparkline: Equatable, Sendable {
    /// The number of values that the live table keeps.
    static let capacity = 30

    private let capacity: Int
    private var values: [Float] = []
    private var next = 0

    /// Creates an empty sparkline.
    ///
    /// - Parameter capacity: The number of values that fit, at least 1.
    package init(capacity: Int = Sparkline.capacity) {
        precondition(capacity >= 1)
        self.capacity = capacity
    }

    /// Adds a value, and removes the oldest value if the sparkline is full.
    ///
    /// - Parameter value: A probability from 0 to 1. A value outside this range is clamped when it is drawn.
    package mutating func append(_ value: Float) {
        if values.count < capacity {
            values.append(value)
        } else {
            values[next] = value
            next = (next + 1) % capacity
        }
    }

    /// The bars of all values. A NaN is shown as a blank.
    package var text: String { text(last: capacity) }

    /// Returns the bars of the newest values.
    ///
    /// - Parameter count: The maximum number of bars.
    /// - Returns: At most `count` characters.
    func text(last count: Int) -> String {
        String((values[next...] + values[..<next]).suffix(count).map(Self.bar))
    }

    private static let bars = Array("▁▂▃▄▅▆▇█")

    private static func bar(_ value: Float) -> Character {
        guard !value.isNaN else { return " " }
        return bars[Int(min(max(value, 0), 1) * Float(bars.count - 1) + 0.5)]
    }
}
