/// The answer to `streams` and `read_snapshot`: one page.
public struct StreamPage<Stream: Codable & Equatable & Sendable>: Codable, Equatable, Sendable {
    /// The streams, ordered by the bytes of their ids.
    public var streams: [Stream]
    /// The value of `after` for the next page; null at the end.
    public var next: String?

    /// Creates a page.
    ///
    /// - Parameters:
    ///   - streams: The streams, ordered by the bytes of their ids.
    ///   - next: The value of `after` for the next page; nil at the end.
    public init(streams: [Stream], next: String?) {
        self.streams = streams
        self.next = next
    }

    /// Writes the page. `next` is always present, null at the end.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(streams, forKey: .streams)
        try container.encode(next, forKey: .next)
    }

    private enum CodingKeys: String, CodingKey { case streams, next }
}
