import ArgumentParser
import Client
import Foundation
import Store
import Wire

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Examine the state folder of a stopped daemon and report damage.",
        discussion: """
            The command examines a private copy in the folder for temporary files (TMPDIR) and never writes to the state \
            folder. Needs no daemon.

              sluice check /var/lib/sluice

            Exit status: 0 sound; 65 damaged; 66 no such folder, or no state in it; 75 a daemon has it open.
            """)

    @Argument(help: "The state folder, as given to 'sluiced --state-dir'.", completion: .directory)
    var folder: String

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let examination = try examine()
        var output = StandardStream.output
        for line in json ? [try JSONText.line(of: examination)] : Self.lines(examination) {
            try output.writeLine(json ? line : VisibleText.escaped(line))
        }
        if !examination.isSound {
            throw ClientError(
                .data,
                "\(folder) is damaged: \(examination.damages.joined(separator: "; ")). Put back a backup of the whole folder, "
                    + "or start sluiced once with --on-damaged-state set-aside")
        }
    }

    private func examine() throws(ClientError) -> StateExamination {
        var isFolder: ObjCBool = false
        let files = StateExamination.files.filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
        guard unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue,
            !files.isEmpty
        else { throw ClientError(.noInput, "\(folder) is not a state folder, or has no state in it") }
        let copy = FileManager.default.temporaryDirectory.appending(path: "sluice-check-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: copy) }
        try requireUnused()
        do {
            try FileManager.default.createDirectory(
                atPath: copy, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            for file in files {
                try FileManager.default.copyItem(atPath: "\(folder)/\(file)", toPath: "\(copy)/\(file)")
            }
        } catch {
            throw ClientError(.inputOutput, "cannot copy \(folder) to \(copy): \(error.localizedDescription)")
        }
        // If a daemon started in the meantime, it may have changed files during the copy.
        try requireUnused()
        do {
            return try StateExamination(ofCopy: copy, of: folder)
        } catch {
            throw ClientError(error.code == .laterVersion ? .data : .inputOutput, error.description)
        }
    }

    private func requireUnused() throws(ClientError) {
        guard !StateExamination.isInUse(folder) else {
            throw ClientError(.temporary, "\(folder) is in use by a daemon; stop it first, or check a copy")
        }
    }

    private static func lines(_ found: StateExamination) -> [String] {
        var lines: [String] = []
        if let identity = found.identity { lines.append("identity     \(identity)") }
        if let generation = found.generation { lines.append("generation   \(generation)") }
        if let time = found.time {
            let date = Date(timeIntervalSince1970: Double(time) / 1e9)
            lines.append("written last \(date.ISO8601Format()) (\(StateAge.text(since: time)) ago)")
        }
        lines.append("streams      \(found.streams)")
        for snapshot in found.snapshots { lines.append("snapshot     '\(snapshot.name)', \(snapshot.streams) streams") }
        if let records = found.journalRecords {
            lines.append("journal      \(records) records since the last checkpoint")
        }
        lines += found.damages.map { "damaged      \($0)" }
        lines.append(found.isSound ? "no damage found" : "the state is damaged")
        return lines
    }
}
