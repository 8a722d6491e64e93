/// Numbers at which a reader's arithmetic may overflow.
private let extremes: [UInt64] = [
    0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF,
    0x8000_0000_0000_0000, .max - 7, .max,
]

extension [UInt8] {
    /// Damages the bytes in one to three ways.
    ///
    /// - Parameters:
    ///   - other: Other bytes, parts of which may overwrite parts of this array.
    ///   - random: Chooses the kinds and positions of the damage.
    package mutating func mutate(with other: [UInt8], using random: inout some RandomNumberGenerator) {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard !isEmpty else { return }
            let place = Int.random(in: indices, using: &random)
            switch Int.random(in: 0..<12, using: &random) {
            case 0: self = Array(prefix(place))
            case 1: self = prefix(place) + other.suffix(Int.random(in: 0...other.count, using: &random))
            case 2:
                let run = self[place..<Swift.min(count, place + Int.random(in: 1...64, using: &random))]
                if Bool.random(using: &random) {
                    insert(contentsOf: run, at: place)
                } else {
                    removeSubrange(run.indices)
                }
            case 3...5:
                let size = [1, 2, 4, 8].randomElement(using: &random) ?? 8
                let word = extremes.randomElement(using: &random) ?? 0
                // Write the word to an aligned offset, because lengths are usually aligned.
                let start = place / size * size
                for index in start..<Swift.min(count, start + size) {
                    self[index] = UInt8(truncatingIfNeeded: word >> (8 * UInt64(index - start)))
                }
            case 6...8: self[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            default:
                for index in place..<Swift.min(count, place + Int.random(in: 1...16, using: &random)) {
                    self[index] = .random(in: 0...255, using: &random)
                }
            }
        }
    }

    /// Damages JSON text in one to three ways that leave most of it valid.
    ///
    /// - Parameter random: Chooses the kinds and positions of the damage.
    package mutating func mutateText(using random: inout some RandomNumberGenerator) {
        let words = [
            "0", "-1", "1.5", "1e308", "1e999", "9223372036854775807", "18446744073709551616", "null", "true", "[]",
            "{}",
            "\"\"", "[[[[[[[[", "\"\\u0000\"", "\"\\ud800\"", "NaN", "\"F64\"", "\"BF16\"",
        ]
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard !isEmpty else { return }
            let place = Int.random(in: indices, using: &random)
            // Select a word or a number: the text between two punctuation marks.
            let marks = Set("[]{},: \"".utf8)
            let start = self[..<place].lastIndex { marks.contains($0) }.map { $0 + 1 } ?? 0
            let end = self[place...].firstIndex { marks.contains($0) } ?? count
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where start < end: removeSubrange(start..<end)
            case 1 where start < end: insert(contentsOf: self[start..<end], at: end)
            case 2: remove(at: place)
            default:
                replaceSubrange(
                    start..<Swift.max(start, end), with: Array((words.randomElement(using: &random) ?? "").utf8))
            }
        }
    }
}
