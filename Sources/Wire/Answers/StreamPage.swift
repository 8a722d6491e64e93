/// The answer to `streams` and `read_snapshot`: one page of streams.
public struct StreamPage<Stream: Codable & Equatable & Sendable>: Codable, Equatable, Sendable {
    /// The streams, ordered by the bytes of their ids.
    public var streams: [Stream]
    /// The value to pass as `after` for the next page; nil on the last page.
    public var next: String?

    /// Creates a page.
    ///
    /// - Parameters:
    ///   - streams: The streams, ordered by the bytes of their ids.
    ///   - next: The value to pass as `after` for the next page; nil on the last page.
    public init(streams: [Stream], next: String?) {
        self.streams = streams
        self.next = next
    }

    /// Writes the page. `next` is always present; it is null on the last page.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(streams, forKey: .streams)
        try container.encode(next, forKey: .next)
    }

    private enum CodingKeys: String, CodingKey { case streams, next }
}
