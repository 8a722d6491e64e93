/// Which model a stream belongs to: that with the longest prefix that its id begins with.
struct Router {
    private struct Route {
        let prefix: [UInt8]
        let model: Int
    }

    /// Longest prefix first.
    private let routes: [Route]

    /// - Parameter prefixes: Each model's prefixes, in the order of the models.
    init(_ prefixes: [[String]]) {
        routes = prefixes.enumerated()
            .flatMap { model, prefixes in prefixes.map { Route(prefix: Array($0.utf8), model: model) } }
            .sorted { $0.prefix.count > $1.prefix.count }
    }

    /// The model that takes a stream, or nil where none does. Asked once in a stream's life.
    func model(for id: Span<UInt8>) -> Int? {
        routes.first { id.begins(with: $0.prefix) }?.model
    }
}

extension Span<UInt8> {
    /// Whether the first bytes are these.
    func begins(with prefix: [UInt8]) -> Bool {
        guard count >= prefix.count else { return false }
        for index in prefix.indices where self[index] != prefix[index] { return false }
        return true
    }
}
