#if Cluster
/// A message as a stream stores it.
public struct StoredMessage: JetStreamReply {
    /// The subject.
    public let subject: String
    /// The sequence in the stream.
    public let sequence: UInt64
    /// The time at which the stream's leader stored the message, in nanoseconds since 1970.
    public let time: Int64
    /// The payload.
    public let payload: [UInt8]
    /// The headers in the order of the message.
    public let headers: [Header]

    /// A header of a message.
    public struct Header: Equatable, Sendable {
        /// The name.
        public let name: String
        /// The value.
        public let value: String
    }

    /// Reads an answer.
    ///
    /// - Throws: ``JetStreamError`` if the stream has no such message.
    public init(_ payload: Span<UInt8>) throws(JetStreamError) {
        let message = try JetStreamAnswer(payload, "a stored message").object("message")
        subject = try message.string("subject")
        sequence = try message.number("seq")
        guard let time = Self.nanoseconds(try message.string("time")) else { throw .badAnswer("a stored message") }
        self.time = time
        self.payload = try message.bytes("data")
        headers = Self.headers(in: String(decoding: try message.bytes("hdrs"), as: UTF8.self))
    }

    /// Returns the first value of a header; nil if the message does not have the header.
    public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    private static func headers(in text: String) -> [Header] {
        text.split(whereSeparator: \.isNewline).dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return Header(
                name: String(line[..<colon]),
                value: String(line[colon...].dropFirst().drop { $0 == " " }))
        }
    }

    /// Reads a time such as `2026-11-29T19:18:13.496130386Z`.
    ///
    /// - Returns: The nanoseconds since 1970; nil if the text is not a time in UTC.
    static func nanoseconds(_ text: String) -> Int64? {
        guard text.last == "Z" else { return nil }
        let parts = text.dropLast().split(separator: "T")
        guard parts.count == 2 else { return nil }
        let date = parts[0].split(separator: "-").compactMap { Int64($0) }
        let clock = parts[1].split(separator: ".")
        let time = clock[0].split(separator: ":").compactMap { Int64($0) }
        guard date.count == 3, time.count == 3, clock.count <= 2 else { return nil }
        let digits = clock.count == 2 ? clock[1] : "0"
        guard digits.count <= 9, let fraction = Int64(digits) else { return nil }
        let nanoseconds = (digits.count..<9).reduce(fraction) { value, _ in value * 10 }
        let seconds = days(date[0], date[1], date[2]) * 86_400 + time[0] * 3_600 + time[1] * 60 + time[2]
        return seconds * 1_000_000_000 + nanoseconds
    }

    /// Returns the number of days from 1970 to a date of the Gregorian calendar
    /// (<https://howardhinnant.github.io/date_algorithms.html#days_from_civil>).
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        // Years begin in March, so that the leap day is the last one.
        let year = month <= 2 ? year - 1 : year
        let month = month <= 2 ? month + 9 : month - 3
        return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468
    }
}
#endif
