import ArgumentParser
import ModelFiles

/// The options for the recurrent layers of a new model.
struct RecurrentLayerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The units of the recurrent layers, from first to last (default: 10).", valueName: "units"),
        transform: parseUnits)
    var units: [Int]?

    @Option(help: ArgumentHelp("The kind of the recurrent layers (default: lstm).", valueName: "lstm|gru|rnn"))
    var layers: PatternSizes.Cell?

    /// Applies the options that were given, and leaves the other sizes unchanged.
    func apply(to sizes: inout PatternSizes) {
        sizes.units = units ?? sizes.units
        sizes.cell = layers ?? sizes.cell
    }
}

extension PatternSizes.Cell: ExpressibleByArgument {}

/// Parses the units of recurrent layers, such as `12,8`.
private func parseUnits(_ text: String) throws -> [Int] {
    let units = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard (1...16).contains(units.count), units.allSatisfy((1...2048).contains) else {
        throw ValidationError("--units must be numbers from 1 to 2048, such as 10 or 12,8")
    }
    return units
}
