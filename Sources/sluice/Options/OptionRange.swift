import ArgumentParser

/// Checks the value of an option.
///
/// - Throws: `ValidationError` if the value is not in the range.
func check(_ value: Int, _ option: String, in range: ClosedRange<Int>) throws {
    guard range.contains(value) else {
        throw ValidationError("\(option) must be \(range.lowerBound) to \(range.upperBound)")
    }
}
