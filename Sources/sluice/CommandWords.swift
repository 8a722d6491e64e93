import ArgumentParser
import Client
import Wire

/// Checks the command names at the beginning of a command line.
enum CommandWords {
    /// Checks that the words of a command line name commands. Without this check, the argument parser would show the
    /// general help for an unknown word after `help`, and report an unknown command as an unexpected argument.
    ///
    /// - Parameter arguments: The command line without the program name.
    /// - Throws: ``ClientError`` with the status `usage`. The error names the unknown word and suggests a similar one.
    static func check(_ arguments: [String]) throws(ClientError) {
        var words = arguments[...]
        let isHelp = words.first == "help"
        if isHelp { words.removeFirst() }
        var command: any ParsableCommand.Type = Sluice.self
        while let word = words.popFirst(), !word.hasPrefix("-") {
            let commands = subcommands(of: command)
            if let next = commands.first(where: { names(of: $0).contains(word) }) {
                command = next
                continue
            }
            // The words after the last command are its arguments.
            guard command == Sluice.self || isHelp else { return }
            let name = command == Sluice.self ? "sluice" : "sluice \(command._commandName)"
            throw ClientError(
                .usage,
                "there is no command '\(name) \(word)'"
                    + Suggestion.words(
                        for: word, among: commands.flatMap(names), else: "'\(name) --help' lists the commands"))
        }
    }

    private static func subcommands(of command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        command.configuration.subcommands
    }

    private static func names(of command: any ParsableCommand.Type) -> [String] {
        [command._commandName] + command.configuration.aliases
    }
}
