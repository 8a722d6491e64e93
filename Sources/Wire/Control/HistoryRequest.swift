/// The parameters of `history`: the streams whose last decisions are wanted, and the decisions to include.
public struct HistoryRequest: Equatable, Sendable {
    /// The streams whose decisions are wanted.
    public enum Streams: Equatable, Sendable {
        /// The streams with these ids, in the same order. Unknown ids are left out.
        case named([String])
        /// At most `count` streams: those with the most recent decisions. `search` limits the search to ids that
        /// contain a string, and `model` to the streams of one model.
        case recent(_ count: Int, search: String?, model: String?)
    }

    /// The maximum number of ids in ``Streams/named(_:)``.
    public static let maximumNamed = 100
    /// The permitted numbers of streams in ``Streams/recent(_:search:model:)``.
    public static let recentCounts = 1...1_000

    /// The streams whose decisions are wanted.
    public var streams: Streams
    /// The maximum number of decisions for each stream, counted from the newest; nil for all that the daemon keeps.
    public var points: Int?
    /// The time after which decisions are included, in seconds since the Unix epoch; nil for all.
    public var since: Double?

    /// Creates a request.
    ///
    /// - Parameters:
    ///   - streams: The streams whose decisions are wanted.
    ///   - points: The maximum number of decisions for each stream; nil for all.
    ///   - since: The time after which decisions are included, in seconds since the Unix epoch; nil for all.
    public init(_ streams: Streams, points: Int? = nil, since: Double? = nil) {
        self.streams = streams
        self.points = points
        self.since = since
    }
}

extension HistoryRequest {
    /// The names of the parameters.
    static let parameters = ["streams", "recent", "search", "model", "points", "since"]

    /// Reads a request.
    ///
    /// - Throws: ``ControlError`` with the code `invalidParams`, naming the parameter.
    init(_ given: Parameters) throws(ControlError) {
        let (search, model) = (try given.string("search"), try given.string("model"))
        let count = try given.wholeNumber("recent", in: Self.recentCounts)
        switch (try given.ids("streams", atMost: Self.maximumNamed), count) {
        case (let ids?, nil):
            guard search == nil, model == nil else {
                throw ControlError(
                    .invalidParams, "'search' and 'model' cannot be combined with 'streams'; give 'recent' instead")
            }
            streams = .named(ids)
        case (nil, let count?): streams = .recent(count, search: search, model: model)
        default:
            throw ControlError(
                .invalidParams, "history needs exactly one of 'streams', an array of ids, and 'recent', a number")
        }
        points = try given.wholeNumber("points", in: 1...Int(Int32.max))
        since = try given.number("since")
    }

    /// The request's `params`.
    var json: [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        switch streams {
        case .named(let ids): members["streams"] = .array(ids.map(JSONValue.string))
        case .recent(let count, let search, let model):
            members["recent"] = .integer(Int64(count))
            members["search"] = search.map(JSONValue.string)
            members["model"] = model.map(JSONValue.string)
        }
        members["points"] = points.map { .integer(Int64($0)) }
        members["since"] = since.map(JSONValue.number)
        return members
    }
}
