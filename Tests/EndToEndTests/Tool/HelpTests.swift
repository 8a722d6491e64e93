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
    let discussion: String?
    let arguments: [Argument]?
    let subcommands: [CommandHelp]?

    /// This command and all its subcommands, except the argument parser's own `help`.
    var all: [CommandHelp] {
        [self] + (subcommands ?? []).filter { $0.commandName != "help" }.flatMap(\.all)
    }
}

@Suite struct `The help of the programs` {
    private func commands(of program: String) throws -> [CommandHelp] {
        let dump = try FinishedProgram(program, ["--experimental-dump-help"]).output
        return try JSONDecoder().decode(CommandHelp.Program.self, from: Data(dump.utf8)).command.all
    }

    /// Words in a help text that state the unit of a number.
    private static let units = [
        "seconds", "timesteps", "streams", "decisions", "messages", "requests", "connections", "bytes", "megabytes",
        "threads", "rounds", "token", "probability", "units", "features", "seed",
        "epochs", "sequences", "updates", "partitions", "servers", "nodes",
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
    func `the help states the default of every option and the unit of every number`(program: String) throws {
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
    func `each help page has an example`(program: String) throws {
        for command in try commands(of: program) where command.commandName != "forwarder" {
            let lines = (command.discussion ?? "").split(separator: "\n").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            #expect(lines.contains { $0.hasPrefix("\(program) ") }, "\(command.commandName)")
        }
    }

    @Test func `commands are in named groups, and connection options have their own section`() throws {
        let help = try FinishedProgram("sluice", ["--help"]).output
        for group in ["MODEL", "LIVE DATA", "STREAM", "STORED STATE", "DAEMON"] {
            #expect(help.contains("\n\(group) SUBCOMMANDS:\n"), "\(group)")
        }
        #expect(!help.contains("\nSUBCOMMANDS:\n"))
        for command in ["status", "watch", "pipe", "bench", "export"] {
            let page = try FinishedProgram("sluice", [command, "--help"]).output
            #expect(page.contains("\nCONNECTION OPTIONS:\n  --control"), "\(command)")
        }
    }

    @Test(arguments: [
        (["help", "frobnicate"], "'sluice frobnicate'; 'sluice --help' lists"),
        (["help", "stauts"], "did you mean 'status'?"),
        (["stauts"], "did you mean 'status'?"), (["evalute", "m.keras"], "did you mean 'evaluate'?"),
        (["help", "bench", "engin"], "did you mean 'engine'?"), (["sumary", "m.keras"], "did you mean 'summary'?"),
        (["help", "status", "more"], "'sluice status more'"),
    ])
    func `an unknown command is an error that names a similar one`(arguments: [String], words: String) throws {
        let ended = try FinishedProgram("sluice", arguments)
        #expect(ended.status == 64)
        #expect(ended.output.isEmpty)
        #expect(ended.errorOutput.contains(words), "\(ended.errorOutput)")
    }

    @Test(arguments: [
        ["help"], ["help", "status"], ["help", "summary"], ["help", "bench", "engine"], ["--help"], [],
    ])
    func `help for a known command is not an error`(arguments: [String]) throws {
        #expect(try FinishedProgram("sluice", arguments).status == 0)
    }

    @Test(arguments: ["sluiced", "sluice"])
    func `the help fits a terminal of 80 columns`(program: String) throws {
        for command in try commands(of: program) {
            let names = (command.superCommands ?? []) + [command.commandName]
            let help = try FinishedProgram(program, names.dropFirst() + ["--help"]).output
            // The usage is a single line, which the terminal wraps.
            let lines = help.split(separator: "\n").filter { !$0.hasPrefix("USAGE:") }
            for line in lines { #expect(line.count <= 80, "\(command.commandName): \(line)") }
        }
    }
}

@Suite struct `The manual` {
    private static let tools = Fixtures.folder
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "tools")

    /// Writes the manual pages into a folder.
    private func writeManuals(to folder: TemporaryFolder, _ options: [String] = []) throws {
        let arguments = [folder.path, "--programs", RunningProgram.folder.path] + options
        let ended = try FinishedProgram(Self.tools.appending(path: "make/manuals").path, arguments)
        #expect(ended.status == 0, "\(ended.errorOutput)")
    }

    @Test func `each program and command has a manual page that mandoc accepts without a warning`() throws {
        let folder = try TemporaryFolder()
        try writeManuals(to: folder)
        let pages = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let help = try FinishedProgram("sluice", ["--help"]).output
        let commands = help.matches(of: #/(?m)^  ([a-z][a-z-]+)(?:, [a-z-]+)*(?: {2,}|$)/#).map { "sluice-\($0.1).1" }
        #expect(commands.count > 15)
        #expect(Set(pages) == Set(commands + ["sluice.1", "sluice.yaml.5", "sluiced.8"]))
        #expect(try String(contentsOf: folder.url("sluiced.8"), encoding: .utf8).contains(".Sh EXIT STATUS"))
        let mandoc = "/usr/bin/mandoc"
        guard Deploy.isHere(mandoc) else { return }
        let checked = try FinishedProgram(mandoc, ["-T", "lint", "-W", "warning"] + pages.map(folder.path))
        #expect(checked.output == "")
    }

    // `tools/make/manuals` fails if a key has no flag or a flag has no key.
    @Test func `the page of configuration keys agrees with the keys and the flags`() throws {
        let folder = try TemporaryFolder()
        try writeManuals(to: folder, ["--page", folder.path("Configuration.md")])
        let root = Self.tools.deletingLastPathComponent()
        let page = root.appending(path: "Sources/sluice/Sluice.docc/Configuration.md")
        let isSame = try Data(contentsOf: page) == Data(contentsOf: folder.url("Configuration.md"))
        #expect(isSame, "run tools/make/manuals /tmp/manuals --page \(page.relativePath)")
    }

    @Test(arguments: ["sluiced", "sluice"], ["bash", "zsh", "fish"])
    func `each program has completions for each shell`(program: String, shell: String) throws {
        let ended = try FinishedProgram(program, ["--generate-completion-script", shell])
        #expect(ended.status == 0)
        #expect(ended.output.contains(program == "sluice" ? "delete-snapshot" : "checkpoint-interval"))
    }
}

@Suite struct `Completions` {
    /// Returns the completions that bash offers for a command line. The last word may be incomplete.
    private func offers(_ words: [String], environment: [String: String] = [:], folder: String = "/") throws -> [String]
    {
        let programs = RunningProgram.folder.path
        let list = words.map { "'\($0)'" }.joined(separator: " ")
        let script = """
            PATH='\(programs)':$PATH; cd '\(folder)'
            source <('\(words[0])' --generate-completion-script bash)
            COMP_WORDS=(\(list)); COMP_CWORD=\(words.count - 1); COMP_LINE='\(words.joined(separator: " "))'
            COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMP_KEY=9
            "$(complete -p '\(words[0])' | sed 's/.*-F \\([^ ]*\\).*/\\1/')" \
                '\(words[0])' "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let ended = try FinishedProgram("/usr/bin/env", variables + ["bash", "-c", script])
        return ended.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test func `bash completes model files, data files and folders`() throws {
        let folder = try TemporaryFolder()
        for file in ["m.keras", "m.h5", "m.csv", "m.npy", "m.csv.gz", "m.bin", "k.key"] {
            try Data().write(to: folder.url(file))
        }
        try FileManager.default.createDirectory(at: folder.url("mfolder"), withIntermediateDirectories: false)
        func names(_ words: String...) throws -> Set<String> {
            Set(try offers(words, folder: folder.path).map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 })
        }
        #expect(try names("sluice", "inspect", "m").isSuperset(of: ["m.keras", "m.h5", "mfolder"]))
        #expect(try !names("sluice", "inspect", "m").contains("m.csv"))
        for command in [["pipe"], ["predict", "m.keras"]] {
            #expect(
                Set(try offers(["sluice"] + command + ["m."], folder: folder.path)) == ["m.csv", "m.npy", "m.csv.gz"])
        }
        #expect(try names("sluice", "check", "m") == ["mfolder"])
        #expect(try names("sluice", "status", "--key", "k") == ["k.key"])
        #expect(try names("sluiced", "m").contains("m.keras"))
        #expect(try names("sluiced", "--state-dir", "m") == ["mfolder"])
    }

    @Test(arguments: [
        ("zsh", ["_files -g '\\''*.keras *.h5 *.safetensors'\\''", "*.npy *.gz'\\''", "_files -/"]),
        ("fish", ["'keras\\' \\'h5\\' \\'safetensors", "__fish_complete_directories", "---completion stream"]),
    ])
    func `zsh and fish complete files, folders and names`(shell: String, parts: [String]) throws {
        let script = try FinishedProgram("sluice", ["--generate-completion-script", shell]).output
        for part in parts { #expect(script.contains(part), "\(part)") }
    }

    @Test func `bash completes streams, models and snapshots of the running daemon`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess([model2, "--state-dir", folder.path])
        _ = try Peer(daemon).decide("hall-07/motor-0", [0.5])
        let control = connecting(daemon.control)
        #expect(try FinishedProgram("sluice", ["snapshot", "monday", "--control", control]).status == 0)
        let environment = ["SLUICE_CONTROL": control]
        #expect(try offers(["sluice", "stream", "hall"], environment: environment) == ["hall-07/motor-0"])
        #expect(try offers(["sluice", "reset", ""], environment: environment).contains("hall-07/motor-0"))
        #expect(try offers(["sluice", "reload", "m"], environment: environment) == ["model2"])
        #expect(try offers(["sluice", "restore", "mon"], environment: environment) == ["monday"])
        #expect(try offers(["sluice", "restore", "--control", control, "mon"]) == ["monday"])
        #expect(
            try offers(["sluice", "stream", "hall"], environment: ["SLUICE_CONTROL": "ipc://\(folder.path)/none"]) == []
        )
    }
}
