/// Chooses the model of a stream. Among the models' prefixes that match the stream's id, the longest one decides.
struct Router {
    private struct Route {
        let prefix: [UInt8]
        let model: Int
    }

    /// The routes, longest prefix first.
    private let routes: [Route]

    /// - Parameter prefixes: The prefixes of each model, in the order of the models.
    init(_ prefixes: [[String]]) {
        routes = prefixes.enumerated()
            .flatMap { model, prefixes in prefixes.map { Route(prefix: Array($0.utf8), model: model) } }
            .sorted { $0.prefix.count > $1.prefix.count }
    }

    /// The index of the model that serves a stream; nil if there is none. Called only once in a stream's life.
    func model(for id: Span<UInt8>) -> Int? {
        routes.first { id.begins(with: $0.prefix) }?.model
    }
}

extension Span<UInt8> {
    func begins(with prefix: [UInt8]) -> Bool {
        guard count >= prefix.count else { return false }
        for index in prefix.indices where self[index] != prefix[index] { return false }
        return true
    }
}
