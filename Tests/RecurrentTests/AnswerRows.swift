import Testing

/// Returns the numbers in the columns whose names begin with a prefix: `x0`, `x1` and so on for the prefix `x`.
func floats(_ row: [String: String], _ prefix: String, count: Int) throws -> [Float] {
    try (0..<count).map { try #require(row["\(prefix)\($0)"].flatMap { Float($0) }) }
}

/// Returns the largest difference between two values at the same position; infinite if the counts differ or a value is
/// NaN.
func largestDifference(_ answers: [[Float]], _ expected: [[Float]]) -> Float {
    guard answers.map(\.count) == expected.map(\.count) else { return .infinity }
    let differences = zip(answers.joined(), expected.joined()).map { abs($0 - $1) }
    return differences.contains { $0.isNaN } ? .infinity : differences.max() ?? .infinity
}
