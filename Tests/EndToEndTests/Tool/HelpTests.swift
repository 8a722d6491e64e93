import Foundation
import TestSupport
import Testing

/// The part of a program's `--experimental-dump-help` that these tests need.
private struct CommandHelp: Decodable {
    struct Program: Decodable {
        let command: CommandHelp
    }

    struct Argument: Decodable {
        struct Name: Decodable {
            let name: String
        }

        let kind: String
        let names: [Name]?
        let valueName: String
        let abstract: String?
        let defaultValue: String?
        let shouldDisplay: Bool
    }

    let commandName: String
    let superCommands: [String]?
    let abstract: String?
    let arguments: [Argument]?
    let subcommands: [CommandHelp]?

    /// This command and all its subcommands, except argument parser's own `help`.
    var all: [CommandHelp] {
        [self] + (subcommands ?? []).filter { $0.commandName != "help" }.flatMap(\.all)
    }
}

@Suite struct `The help of the programs` {
    private func commands(of program: String) throws -> [CommandHelp] {
        let dump = try FinishedProgram(program, ["--experimental-dump-help"]).output
        return try JSONDecoder().decode(CommandHelp.Program.self, from: Data(dump.utf8)).command.all
    }

    /// The words for units that may occur in a help text.
    private static let units = [
        "seconds", "timesteps", "streams", "decisions", "messages", "requests", "connections", "bytes", "megabytes",
        "threads", "rounds", "token", "probability",
    ]

    @Test(arguments: ["sluiced", "sluice"])
    func `the help explains every command, argument and flag`(program: String) throws {
        for command in try commands(of: program) {
            #expect(command.abstract?.isEmpty == false, "\(command.commandName)")
            for argument in command.arguments ?? [] where argument.shouldDisplay {
                let about = "\(command.commandName) \(argument.names?.last?.name ?? argument.valueName)"
                let text = try #require(argument.abstract, "\(about) has no help")
                #expect(text.hasSuffix(".") || text.hasSuffix(")"), "\(about): \(text)")
            }
        }
    }

    @Test(arguments: ["sluiced", "sluice"])
    func `the help has the default of every option and the unit of every number`(program: String) throws {
        for command in try commands(of: program) {
            for option in command.arguments ?? [] where option.kind == "option" {
                let about = "\(command.commandName) --\(option.names?.last?.name ?? "")"
                let text = try #require(option.abstract, "\(about) has no help")
                #expect(option.defaultValue != nil || text.contains("(default: "), "\(about): \(text)")
                let standard = text.split(separator: "(default: ").last.flatMap { $0.split(separator: ")").first }
                let isNumber = Double(option.defaultValue ?? standard.map(String.init) ?? "") != nil
                #expect(
                    !isNumber || Self.units.contains { text.lowercased().contains($0) || option.valueName == $0 },
                    "\(about) is a number of what? \(text)")
                #expect(!["n", "s", "number", "count"].contains(option.valueName), "\(about) <\(option.valueName)>")
            }
        }
    }

    @Test(arguments: ["sluiced", "sluice"])
    func `the help fits a terminal of 80 columns`(program: String) throws {
        for command in try commands(of: program) {
            let names = (command.superCommands ?? []) + [command.commandName]
            let help = try FinishedProgram(program, names.dropFirst() + ["--help"]).output
            // The usage is one line, which the terminal wraps.
            let lines = help.split(separator: "\n").filter { !$0.hasPrefix("USAGE:") }
            for line in lines { #expect(line.count <= 80, "\(command.commandName): \(line)") }
        }
    }
}

@Suite struct `The manual` {
    private static let tools = Fixtures.folder
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "tools")

    @Test func `each program and command has a manual page that mandoc accepts without a warning`() throws {
        let folder = try TemporaryFolder()
        let arguments = [folder.path, "--programs", RunningProgram.folder.path]
        let ended = try FinishedProgram(Self.tools.appending(path: "make/manuals").path, arguments)
        #expect(ended.status == 0, "\(ended.errorOutput)")
        let pages = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let help = try FinishedProgram("sluice", ["--help"]).output
        let commands = help.matches(of: #/(?m)^  ([a-z][a-z-]+)(?:, [a-z-]+)*(?: {2,}|$)/#).map { "sluice-\($0.1).1" }
        #expect(commands.count > 15)
        #expect(Set(pages) == Set(commands + ["sluice.1", "sluiced.8"]))
        #expect(try String(contentsOf: folder.url("sluiced.8"), encoding: .utf8).contains(".Sh EXIT STATUS"))
        let mandoc = "/usr/bin/mandoc"
        guard Deploy.isHere(mandoc) else { return }
        let checked = try FinishedProgram(mandoc, ["-T", "lint", "-W", "warning"] + pages.map(folder.path))
        #expect(checked.output == "")
    }

    @Test(arguments: ["sluiced", "sluice"], ["bash", "zsh", "fish"])
    func `each program has completions for each shell`(program: String, shell: String) throws {
        let ended = try FinishedProgram(program, ["--generate-completion-script", shell])
        #expect(ended.status == 0)
        #expect(ended.output.contains(program == "sluice" ? "delete-snapshot" : "checkpoint-interval"))
    }
}
