import Foundation
import TestSupport
import Testing

/// A folder on a machine that loses power. Synced data survives. Unsynced data may be kept or lost, entirely or in
/// part, and may end in a torn write.
///
/// A daemon that runs with ``environment`` records its writes. See `FaultInjector.h`. A file's name is durable once the
/// file's folder is synced. A file's content is durable once the file is synced.
final class PowerCut {
    private struct Record {
        let operation: Character
        let name: String
        let offset: Int
        let bytes: Data
    }

    /// The path of the folder.
    let path: String
    private let folder: TemporaryFolder
    private var log: URL { folder.url("log") }

    /// The file numbers, by durable name. Names are paths below the folder `disk`.
    private var names: [String: Int] = [:]
    /// The durable names of folders.
    private var folders: Set<String> = []
    /// The durable content of each file, by number. A name may refer to different files over time.
    private var contents: [Int: Data] = [:]
    private var lastNumber = 0

    private enum Entry {
        case file(String, Int)
        case folder(String)
        case removed(String)
        case renamed(String, to: String, Int)
    }

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("disk/state")
        try FileManager.default.createDirectory(atPath: folder.path("disk"), withIntermediateDirectories: false)
    }

    /// The environment variables of the daemon.
    var environment: [String: String] {
        [
            "LD_PRELOAD": RunningProgram.builtWithTests.appending(path: "libFaultInjector.so").path,
            "SLUICE_FAULT_FOLDER": folder.path("disk"), "SLUICE_FAULT_LOG": log.path,
        ]
    }

    /// Returns the size of the log in bytes. The size identifies a moment at which the power can be cut.
    ///
    /// - Throws: An error if there is no log.
    func now() throws -> Int {
        try FileManager.default.attributesOfItem(atPath: log.path)[.size] as? Int ?? 0
    }

    /// Cuts the power. The daemon must already have been killed.
    ///
    /// - Parameters:
    ///   - moment: The earliest moment. The power is cut at a random moment from then to the end of the log.
    ///   - chance: Chooses the moment, and decides the fate of unsynced data.
    /// - Returns: The number of writes that were not synced.
    /// - Throws: An error if the folder or the log cannot be read or written, or if a file was written but never
    ///   created.
    func cut(after moment: Int, using chance: inout some RandomNumberGenerator) throws -> Int {
        // The unsynced operations: those on the content of each file, and those on the entries of each folder.
        var pending: [Int: [Record]] = [:]
        var entries: [String: [Entry]] = [:]
        var current = names
        let (before, after) = try records(moment)
        for record in before + after.prefix(Int.random(in: 0...after.count, using: &chance)) {
            let parent = Self.parent(record.name)
            switch record.operation {
            case "w", "t": pending[try #require(current[record.name], "\(record.name)"), default: []].append(record)
            case "s":
                for entry in entries.removeValue(forKey: record.name) ?? [] { apply(entry) }
                guard let number = current[record.name] else { continue }
                for earlier in pending.removeValue(forKey: number) ?? [] { apply(earlier, to: number) }
            case "c":
                lastNumber += 1
                current[record.name] = lastNumber
                entries[parent, default: []].append(.file(record.name, lastNumber))
            case "d": entries[parent, default: []].append(.folder(record.name))
            case "u": entries[parent, default: []].append(.removed(record.name))
            default:
                let target = Self.relative(String(decoding: record.bytes, as: UTF8.self), to: folder.path("disk"))
                let number = try #require(current[record.name], "\(record.name)")
                current[target] = number
                entries[parent, default: []].append(.renamed(record.name, to: target, number))
            }
        }
        var count = 0
        for (_, waiting) in entries.sorted(by: { $0.key < $1.key }) {
            // The entries of one folder reach the disk in order.
            let kept = Int.random(in: 0...waiting.count, using: &chance)
            count += waiting.count - kept
            for entry in waiting.prefix(kept) { apply(entry) }
        }
        for (number, waiting) in pending.sorted(by: { $0.key < $1.key }) {
            count += waiting.count
            for record in Self.survivors(waiting, using: &chance) { apply(record, to: number) }
        }
        try writeBack()
        return count
    }

    /// Changes the durable content of a file after a cut.
    ///
    /// - Throws: An error if the disk has no such file.
    func change(_ file: String, _ body: (inout Data) throws -> Void) throws {
        let number = try #require(names["state/\(file)"])
        try body(&contents[number, default: Data()])
        try writeBack()
    }

    /// Saves the contents of the disk.
    ///
    /// - Returns: A function that restores the saved contents.
    func remember() -> () throws -> Void {
        let now = (names, folders, contents)
        return {
            (self.names, self.folders, self.contents) = now
            try self.writeBack()
        }
    }

    private static func survivors(_ records: [Record], using chance: inout some RandomNumberGenerator) -> [Record] {
        let prefix = Int.random(in: 0...records.count, using: &chance)
        switch Int.random(in: 0..<5, using: &chance) {
        case 0: return []
        case 1: return records
        case 2: return records.filter { _ in Bool.random(using: &chance) }
        case 3: return Array(records.prefix(prefix))
        default:
            guard prefix < records.count, records[prefix].operation == "w" else { return Array(records.prefix(prefix)) }
            // The write is torn at a sector boundary.
            let torn = records[prefix]
            let length = Int.random(in: 0...torn.bytes.count, using: &chance) / 512 * 512
            return records.prefix(prefix) + [
                Record(operation: "w", name: torn.name, offset: torn.offset, bytes: torn.bytes.prefix(length))
            ]
        }
    }

    private func apply(_ record: Record, to number: Int) {
        var content = contents[number] ?? Data()
        switch record.operation {
        case "t":
            if content.count > record.offset { content.removeLast(content.count - record.offset) }
            content.append(Data(count: record.offset - content.count))
        default:
            let end = record.offset + record.bytes.count
            if content.count < end { content.append(Data(count: end - content.count)) }
            content.replaceSubrange(record.offset..<end, with: record.bytes)
        }
        contents[number] = content
    }

    private func apply(_ entry: Entry) {
        switch entry {
        case .file(let name, let number): names[name] = number
        case .folder(let name): folders.insert(name)
        case .removed(let name): names[name] = nil
        case .renamed(let name, let target, let number):
            names[name] = nil
            names[target] = number
        }
    }

    /// Replaces the folder's contents with the durable contents, and begins a new log.
    private func writeBack() throws {
        let disk = folder.path("disk")
        try FileManager.default.removeItem(atPath: disk)
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
        // If a folder has no durable name, its files are lost.
        names = names.filter { Self.parent($0.key).isEmpty || folders.contains(Self.parent($0.key)) }
        for name in folders.sorted() {
            try FileManager.default.createDirectory(atPath: "\(disk)/\(name)", withIntermediateDirectories: false)
        }
        for (name, number) in names {
            try (contents[number] ?? Data()).write(to: URL(filePath: "\(disk)/\(name)"))
        }
        contents = contents.filter { names.values.contains($0.key) }
        try Data().write(to: log)
    }

    /// Returns the records of the log before and after a moment.
    private func records(_ moment: Int) throws -> ([Record], [Record]) {
        let data = try Data(contentsOf: log)
        let disk = folder.path("disk")
        var (before, after): ([Record], [Record]) = ([], [])
        var offset = 0
        func number(_ at: Int, _ count: Int) -> Int {
            (0..<count).reduce(0) { $0 | Int(data[at + $1]) << (8 * $1) }
        }
        // The last record may be torn because the daemon was killed.
        while offset + 24 <= data.count {
            let (operation, pathLength) = (number(offset, 4), number(offset + 4, 4))
            let (place, length) = (number(offset + 8, 8), number(offset + 16, 8))
            let start = offset + 24
            guard start + pathLength + length <= data.count else { break }
            let record = Record(
                operation: Character(UnicodeScalar(UInt8(operation))),
                name: Self.relative(String(decoding: data[start..<(start + pathLength)], as: UTF8.self), to: disk),
                offset: place, bytes: Data(data[(start + pathLength)..<(start + pathLength + length)]))
            if offset < moment { before.append(record) } else { after.append(record) }
            offset = start + pathLength + length
        }
        return (before, after)
    }

    private static func relative(_ path: String, to folder: String) -> String {
        path.dropFirst(folder.count).split(separator: "/").joined(separator: "/")
    }

    private static func parent(_ name: String) -> String {
        name.split(separator: "/").dropLast().joined(separator: "/")
    }
}
