/// Suggests the word that a person probably meant.
package enum Suggestion {
    /// Returns the known word that is most similar to an unknown one; nil if none is similar enough. A word of one or
    /// two letters may differ only in case, because most changes to such a short word turn it into another word.
    ///
    /// - Parameters:
    ///   - word: The unknown word.
    ///   - known: The known words.
    /// - Returns: The word that needs the fewest changes; if there are several, the first of them.
    package static func nearest(to word: String, among known: some Sequence<String>) -> String? {
        let most = word.count < 3 ? 0 : max(1, word.count / 3)
        let lowered = word.lowercased()
        let distances = known.map { (word: $0, changes: changes(from: lowered, to: $0.lowercased())) }
        return distances.filter { $0.changes <= most }.min { $0.changes < $1.changes }?.word
    }

    /// Returns the end of an error message, such as `; did you mean 'status'?`.
    ///
    /// - Parameters:
    ///   - word: The unknown word.
    ///   - known: The known words.
    ///   - remedy: The advice to give if no known word is similar enough.
    /// - Returns: The suggestion or the advice, after a semicolon.
    package static func words(for word: String, among known: some Sequence<String>, else remedy: String) -> String {
        "; " + (nearest(to: word, among: known).map { "did you mean '\($0)'?" } ?? remedy)
    }

    /// Returns the variants of an id: the id in lower and in upper case, and with one letter removed, added, replaced
    /// or swapped with the next. The most likely variants come first.
    ///
    /// - Parameter id: The id.
    /// - Returns: The variants. A longer id has more of them.
    package static func withOneChange(_ id: String) -> [String] {
        let letters = Array(id)
        var changed = [id.lowercased(), id.uppercased()]
        func change(_ range: Range<Int>, to new: some Sequence<Character>) {
            var copy = letters
            copy.replaceSubrange(range, with: Array(new))
            changed.append(String(copy))
        }
        for place in letters.indices.dropLast() {
            change(place..<place + 2, to: [letters[place + 1], letters[place]])
        }
        for place in letters.indices { change(place..<place + 1, to: []) }
        for place in letters.indices { for letter in usualInIDs { change(place..<place + 1, to: [letter]) } }
        for place in 0...letters.count { for letter in usualInIDs { change(place..<place, to: [letter]) } }
        return changed.filter { $0 != id && !$0.isEmpty }
    }

    private static let usualInIDs = Array("abcdefghijklmnopqrstuvwxyz0123456789-_./:ABCDEFGHIJKLMNOPQRSTUVWXYZ")

    /// Returns the minimum number of changes that turn one word into another. A change inserts, deletes or replaces a
    /// letter, or swaps two adjacent letters.
    private static func changes(from one: String, to other: String) -> Int {
        let (one, other) = (Array(one), Array(other))
        var rows = [Array(0...other.count)]
        for row in 1...max(1, one.count) where row <= one.count {
            var next = [row]
            for column in 0..<other.count {
                let isSame = one[row - 1] == other[column]
                var least = min(
                    rows[row - 1][column] + (isSame ? 0 : 1), rows[row - 1][column + 1] + 1, next[column] + 1)
                if row > 1, column > 0, one[row - 1] == other[column - 1], one[row - 2] == other[column] {
                    least = min(least, rows[row - 2][column - 1] + 1)
                }
                next.append(least)
            }
            rows.append(next)
        }
        return rows[one.count][other.count]
    }
}
