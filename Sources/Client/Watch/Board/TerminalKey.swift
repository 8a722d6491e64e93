import Dispatch
import Glibc
import Synchronization
import ZeroMQ

/// A key that the live table understands.
package enum TerminalKey: Equatable, Sendable {
    case character(Character)
    case up, down, pageUp, pageDown, home, end
    case enter, escape, backspace

    /// The escape sequences of the keys, without their first two bytes.
    private static let sequences: [(String, TerminalKey)] = [
        ("A", .up), ("B", .down), ("5~", .pageUp), ("6~", .pageDown), ("H", .home), ("F", .end), ("1~", .home),
        ("4~", .end),
    ]

    /// Reads keys from the bytes that a terminal sent. Unknown sequences are skipped.
    ///
    /// - Parameter bytes: The bytes of one or more keys.
    /// - Returns: The keys, in order.
    package static func keys(in bytes: [UInt8]) -> [TerminalKey] {
        var text = Substring(decoding: bytes, as: UTF8.self)
        var keys: [TerminalKey] = []
        while let first = text.popFirst() {
            switch first {
            case "\u{1B}":
                guard text.first == "[" || text.first == "O" else {
                    keys.append(.escape)
                    continue
                }
                text.removeFirst()
                if let (sequence, key) = sequences.first(where: { text.hasPrefix($0.0) }) {
                    text.removeFirst(sequence.count)
                    keys.append(key)
                } else {
                    text = text.drop { !$0.isLetter && $0 != "~" }.dropFirst()
                }
            case "\r", "\n", "\r\n": keys.append(.enter)
            case "\u{7F}", "\u{8}": keys.append(.backspace)
            default:
                if first.unicodeScalars.allSatisfy({ $0.value >= 0x20 }) { keys.append(.character(first)) }
            }
        }
        return keys
    }
}

/// Reads keys from a terminal as they are pressed, without echo. ``end()`` restores the terminal's settings.
final class TerminalKeys {
    /// The bytes that the handler shares with the loop.
    private final class Buffer: Sendable {
        let wakeup: Wakeup
        let bytes = Mutex<[UInt8]>([])

        init() throws(ZeroMQError) {
            wakeup = try Wakeup()
        }

        /// Reads the terminal's bytes into this buffer.
        ///
        /// - Returns: Whether the terminal is still there.
        func fill() -> Bool {
            var chunk = [UInt8](repeating: 0, count: 256)
            let count = unsafe read(STDIN_FILENO, &chunk, chunk.count)
            if count > 0 { bytes.withLock { $0 += chunk.prefix(count) } }
            wakeup.signal()
            return count > 0 || (count == -1 && (errno == EAGAIN || errno == EINTR))
        }
    }

    private let buffer: Buffer
    private let source: any DispatchSourceRead
    private var settings: termios

    /// Starts reading; nil if standard input is not a terminal, or if this process may not read it.
    init?() throws(ZeroMQError) {
        var settings = termios()
        guard isatty(STDIN_FILENO) == 1, tcgetpgrp(STDIN_FILENO) == getpgrp(),
            unsafe tcgetattr(STDIN_FILENO, &settings) == 0
        else { return nil }
        self.settings = settings
        // Leave ISIG set, so that Ctrl-C remains a signal.
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        guard unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings) == 0 else { return nil }
        let buffer = try Buffer()
        self.buffer = buffer
        let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: .global())
        self.source = source
        source.setEventHandler {
            if !buffer.fill() { source.cancel() }
        }
        source.resume()
    }

    /// The wake-up for a poller.
    var wakeup: Wakeup { buffer.wakeup }

    /// Returns the keys pressed since the last call.
    func next() -> [TerminalKey] {
        let bytes = buffer.bytes.withLock { bytes in
            defer { bytes = [] }
            return bytes
        }
        return TerminalKey.keys(in: bytes)
    }

    /// Restores the terminal's settings.
    func end() {
        source.cancel()
        _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }
}
