import Glibc
import ZeroMQ

/// The token that allows a page to change the daemon. It is stored in a file that only the daemon's user can read.
struct ControlToken: Sendable {
    /// The permitted lengths of a token. A shorter token could be guessed.
    private static let lengths = 16...256
    /// The number of random bytes in a new token.
    private static let randomBytes = 32

    private let bytes: [UInt8]

    /// Reads a token. Returns nil if there is no such file.
    ///
    /// - Parameter path: The file, which contains the token and otherwise only whitespace.
    /// - Throws: ``DaemonError`` if the file cannot be read, is accessible to others, or contains no token.
    init?(file path: String) throws(DaemonError) {
        let file: PrivateFile
        do throws(PrivateFile.Failure) {
            file = try PrivateFile(path)
        } catch {
            if error.code == ENOENT { return nil }
            throw DaemonError(.noInput, "\(path): the token for HTTP cannot be read: \(error.text)")
        }
        if let mode = file.exposedMode {
            throw DaemonError(
                .configuration,
                "\(path): the token for HTTP is accessible to others (mode \(mode)); delete the file, so that the daemon "
                    + "makes a new one")
        }
        let words = file.text.split(whereSeparator: \.isWhitespace)
        guard words.count == 1, Self.lengths.contains(words[0].utf8.count),
            words[0].utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            throw DaemonError(
                .configuration,
                "\(path): the token for HTTP must be one word of \(Self.lengths.lowerBound) to "
                    + "\(Self.lengths.upperBound) ASCII characters; delete the file, so that the daemon makes a new one"
            )
        }
        bytes = Array(words[0].utf8)
    }

    /// Creates a token and writes it to a new file.
    ///
    /// - Parameter path: The file.
    /// - Throws: ``DaemonError`` if the file cannot be written.
    init(creating path: String) throws(DaemonError) {
        var generator = SystemRandomNumberGenerator()
        let digits = (0..<Self.randomBytes).map { _ in
            let byte = UInt8.random(in: 0...255, using: &generator)
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        let text = digits.joined()
        do throws(PrivateFile.Failure) {
            try PrivateFile.create(path, isSecret: true, text + "\n")
        } catch {
            throw DaemonError(
                .cannotCreate,
                "\(path): the token for HTTP cannot be written: \(error.text); give --http-control a file in a folder that "
                    + "the daemon may write to")
        }
        bytes = Array(text.utf8)
    }

    /// Returns whether a string is the token. The comparison takes the same time no matter how many characters match.
    func equals(_ text: Substring) -> Bool {
        let given = Array(text.utf8)
        guard given.count == bytes.count else { return false }
        return zip(given, bytes).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
