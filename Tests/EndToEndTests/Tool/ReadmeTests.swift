import Foundation
import TestSupport
import Testing

@Suite struct `The README and the task pages` {
    private static let root = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()

    /// Returns the commands in all `console` blocks: lines that begin with a prompt, and their continuation lines.
    private static func commands(of document: String) throws -> [String] {
        let text = try String(contentsOf: root.appending(path: document), encoding: .utf8)
        var commands: [String] = []
        var isConsole = false
        var goesOn = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") { isConsole = line == "```console" }
            guard isConsole, goesOn || line.hasPrefix("$ ") else { continue }
            let command = goesOn ? line : line.dropFirst(2)
            if goesOn { commands[commands.count - 1] += "\n\(command)" } else { commands.append(String(command)) }
            goesOn = command.hasSuffix("\\")
        }
        return commands
    }

    /// Runs all commands of a page, except the build and the commands in `tools`, which CI runs. The daemon and the
    /// live table, which the README starts in separate terminals, run in the background.
    @Test(arguments: ["README", "DataIn", "DecisionsOut", "State", "Train"])
    func `the commands of a document work when run in order`(name: String) throws {
        let isReadme = name == "README"
        let commands = try Self.commands(of: isReadme ? "README.md" : "Sources/sluice/Sluice.docc/\(name).md")
        #expect(!commands.isEmpty)
        #expect(!isReadme || commands.contains("tools/demo") && commands.contains("tools/test"))
        let folder = try TemporaryFolder()
        // The script runs the programs built with these tests on separate sockets. Output goes to a temporary folder.
        let script = """
            set -euo pipefail
            programs=\(RunningProgram.folder.path)
            sluiced() {
                "$programs/sluiced" "$@" --ingest ipc://\(folder.path)/i --decisions ipc://\(folder.path)/d \\
                    --control ipc://\(folder.path)/c --http off
            }
            sluice() {
                case $1 in
                    compare) "$programs/sluice" "$@" --epochs 2 --seeds 2 ;;
                    bench) "$programs/sluice" "$@" --samples 1 ;;
                    inspect | summary | predict | evaluate | convert | init | fit | keygen) "$programs/sluice" "$@" ;;
                    watch) "$programs/sluice" "$@" --for 2 --control ipc://\(folder.path)/c ;;
                    *) "$programs/sluice" "$@" --control ipc://\(folder.path)/c ;;
                esac
            }
            ready() { until sluice status >/dev/null 2>&1; do sleep 0.01; done; }
            # If a command fails, kill the others: all are in the process group that `timeout` creates.
            trap 'status=$?; trap "" TERM; if ((status != 0)); then kill 0; fi; exit $status' EXIT
            cp -r \(Self.root.path)/Tests \(folder.path)
            cd \(folder.path)
            \(commands.filter { !$0.hasPrefix("tools/") && !$0.hasPrefix("swift build") }.map(Self.inScript)
                .joined(separator: "\n"))
            wait
            """
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/timeout")
        process.arguments = ["60", "bash", "-c", script]
        let log = folder.url("log")
        try Data().write(to: log)
        process.standardOutput = try FileHandle(forWritingTo: log)
        process.standardError = process.standardOutput
        try process.runOwningFiles()
        process.waitUntilExit()
        let output = try String(contentsOf: log, encoding: .utf8)
        #expect(process.terminationStatus == 0, "\(output)")
    }

    private static func inScript(_ command: String) -> String {
        let isDaemon = command.hasPrefix("sluiced") && !command.hasSuffix("--check-config")
        let isTable = command == "sluice watch"
        guard isDaemon || isTable else { return command }
        return (command.hasSuffix("&") ? command : "\(command) &") + (isDaemon ? "\nready" : "")
    }
}
