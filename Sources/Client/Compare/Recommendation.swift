/// The recommended pattern, and the reason.
///
/// The pattern with the best mean accuracy wins. Other patterns tie with it if their mean accuracy is lower by at most
/// the best pattern's standard deviation. Among tied patterns, the one that reaches its final accuracy after the fewest
/// timesteps wins, then the one with the fewest parameters.
package struct Recommendation: Equatable, Sendable {
    /// The name of the pattern.
    package let pattern: String
    /// The recommendation with its reason, in one sentence.
    package let sentence: String

    /// Chooses from the results of at least one pattern.
    ///
    /// - Parameters:
    ///   - results: The results.
    ///   - longest: The length of the longest sequence, in timesteps. By then, every pattern has decided.
    init(_ results: [PatternResult], longest: Int) {
        func first(_ isBefore: (PatternResult, PatternResult) -> Bool, of results: [PatternResult]) -> PatternResult {
            results.dropFirst().reduce(results[0]) { isBefore($1, $0) ? $1 : $0 }
        }
        func timesteps(_ result: PatternResult) -> Int { result.settled ?? longest }
        func accuracy(_ result: PatternResult) -> String { Quantity.fixed(result.accuracy.mean, digits: 4) }
        let best = first({ $0.accuracy.mean > $1.accuracy.mean }, of: results)
        let equals = results.filter { $0.accuracy.mean >= best.accuracy.mean - best.accuracy.deviation }
        let taken = first({ (timesteps($0), $0.parameters) < (timesteps($1), $1.parameters) }, of: equals)
        pattern = taken.pattern
        let spread = Quantity.fixed(best.accuracy.deviation, digits: 4)
        var reason: String
        if equals.count == 1 {
            let others =
                results.count == 1 ? "it is the only pattern here" : "no other is within its spread of \(spread)"
            reason = "its accuracy of \(accuracy(taken)) is the best, and \(others)"
        } else {
            let rivals = equals.filter { $0 != taken }
            let names = rivals.map { "\($0.pattern) (\(accuracy($0)))" }.joined(separator: " and ")
            reason = "its accuracy of \(accuracy(taken)) equals that of \(names) within the spread of \(spread), and "
            let next = rivals.map(timesteps).min() ?? longest
            if timesteps(taken) < next {
                reason +=
                    "it decides earlier: after \(Quantity.count(timesteps(taken), of: "timestep")) instead of "
                    + Quantity.count(next)
            } else if taken.parameters < rivals.map(\.parameters).min() ?? 0 {
                reason += "it has the fewest parameters, \(Quantity.count(taken.parameters))"
            } else {
                reason += "none of them decides earlier or has fewer parameters"
            }
        }
        sentence = "take \(taken.pattern): \(reason)"
    }
}
