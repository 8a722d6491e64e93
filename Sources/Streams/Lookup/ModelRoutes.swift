package import Wire

/// The models that serve streams, found by the streams' ids alone. A gateway has no table of streams.
package struct ModelRoutes: Sendable {
    private let router: Router
    private let rules: [DecisionRule]
    private let outputs: [Int]

    /// Creates the routes to models.
    package init(_ models: [ServedModel]) {
        router = Router(models.map(\.policy.prefixes))
        rules = models.map(\.rule)
        outputs = models.map(\.model.outputs)
    }

    /// The largest number of bytes of timesteps whose decisions have at most `byteCount` bytes, whichever model decides.
    package func payloadLimit(decisionBytes byteCount: Int) -> Int {
        zip(rules, outputs).map { rule, outputs in
            byteCount / Decision.recordSize(outputs: outputs) * rule.features * MemoryLayout<Float>.size
        }.min() ?? 0
    }

    /// Whether the model of a stream takes tokens.
    ///
    /// - Throws: ``DropCause/unrouted`` if no model serves the stream.
    package func takesTokens(_ id: Span<UInt8>) throws(DropCause) -> Bool { try rule(for: id).vocabulary != nil }

    /// Returns the second frame of the message in the codec `binary` that is equivalent to a parsed message.
    ///
    /// - Throws: ``DropCause`` if the model of the stream does not take the message.
    package func payload(of message: ParsedTimesteps) throws(DropCause) -> [UInt8] {
        let rule = try rule(for: message.id.span)
        let values = try message.timesteps(features: rule.features)
        guard let vocabulary = rule.vocabulary else { return Timesteps.bytes(values) }
        let tokens = values.compactMap { Int32(exactly: $0) }
        guard tokens.count == values.count, tokens.allSatisfy({ (0..<vocabulary).contains(Int($0)) }) else {
            throw .token
        }
        return Timesteps.bytes(tokens: tokens)
    }

    private func rule(for id: Span<UInt8>) throws(DropCause) -> DecisionRule {
        guard let model = router.model(for: id) else { throw .unrouted }
        return rules[model]
    }
}
