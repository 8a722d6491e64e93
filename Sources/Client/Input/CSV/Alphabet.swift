import Recurrent

/// The letters of token sequences. The position of a letter determines its token.
package struct Alphabet: Equatable, Sendable {
    /// The default name of the column with the letters.
    static let usualColumn = "sequence"

    private let letters: String
    /// The token of the first letter.
    let firstToken: Int
    private let tokens: [Unicode.Scalar: Float]

    /// Creates an alphabet.
    ///
    /// - Parameters:
    ///   - letters: The letters, in the order of their tokens. A letter is one Unicode scalar.
    ///   - firstToken: The token of the first letter, from 0 to the size of the largest vocabulary.
    /// - Throws: ``ClientError`` with the status `usage` if there are no letters, if a letter occurs twice, or if
    ///   `firstToken` is out of range.
    package init(_ letters: String, firstToken: Int) throws(ClientError) {
        guard !letters.isEmpty else { throw ClientError(.usage, "--alphabet needs at least one letter") }
        guard (0...Embedding.largestVocabulary).contains(firstToken) else {
            throw ClientError(.usage, "--first-token must be 0 to \(Embedding.largestVocabulary)")
        }
        var tokens: [Unicode.Scalar: Float] = [:]
        for (index, letter) in letters.unicodeScalars.enumerated() {
            guard tokens.updateValue(Float(firstToken + index), forKey: letter) == nil else {
                throw ClientError(.usage, "--alphabet has '\(letter)' twice")
            }
        }
        self.letters = letters
        self.firstToken = firstToken
        self.tokens = tokens
    }

    /// The token of the last letter.
    var lastToken: Int { firstToken + tokens.count - 1 }

    /// Returns the tokens of a string of letters.
    ///
    /// - Parameters:
    ///   - text: At least one letter.
    ///   - place: The position in the input, for messages.
    /// - Returns: A token for each letter.
    /// - Throws: ``ClientError`` with the status `data` if the text is empty or contains a letter outside the alphabet.
    func tokens(of text: String, place: String) throws(ClientError) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(text.utf8.count)
        for letter in text.unicodeScalars {
            guard let token = tokens[letter] else {
                throw ClientError(
                    .data,
                    "\(place): '\(letter)', letter \(result.count + 1) of the sequence, is not in the alphabet "
                        + letters)
            }
            result.append(token)
        }
        guard !result.isEmpty else { throw ClientError(.data, "\(place): the sequence has no letters") }
        return result
    }

    /// Checks that a model accepts the tokens.
    ///
    /// - Parameter vocabulary: The size of the model's vocabulary; nil if the model takes values.
    /// - Throws: ``ClientError`` with the status `usage` if the model does not accept the tokens.
    func check(vocabulary: Int?) throws(ClientError) {
        guard let vocabulary else {
            throw ClientError(.usage, "--alphabet is only for models that take tokens, but this model takes values")
        }
        guard lastToken < vocabulary else {
            throw ClientError(
                .usage,
                "--alphabet has the tokens \(firstToken) to \(lastToken), but the model takes 0 to \(vocabulary - 1)")
        }
    }
}
