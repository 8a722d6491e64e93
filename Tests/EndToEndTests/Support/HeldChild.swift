import Foundation
import Testing

/// The daemon's child process that reads a Keras file, suspended as if it hung. The child continues when this object is
/// released.
final class HeldChild {
    let identifier: pid_t

    /// Waits for a child and suspends it.
    ///
    /// - Parameter start: A closure that makes a daemon start a child and returns the daemon's process id. It is called
    ///   again if the child was missed.
    /// - Throws: An error if there is no child.
    init(startedBy start: () throws -> pid_t) throws {
        var found: pid_t?
        for _ in 0..<20 where found == nil {
            let daemon = try start()
            let deadline = ContinuousClock.now + .seconds(2)
            while found == nil, ContinuousClock.now < deadline { found = Self.hold(childOf: daemon) }
        }
        identifier = try #require(found, "no child was seen")
    }

    /// Lets the child continue.
    func letGo() { kill(identifier, SIGCONT) }

    /// Whether the child still exists.
    var isAlive: Bool { kill(identifier, 0) == 0 }

    deinit { letGo() }

    private static func hold(childOf process: pid_t) -> pid_t? {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        let later = all.compactMap { pid_t($0) }.filter { $0 > process }
        guard let child = later.first(where: { parent(of: $0) == process }), kill(child, SIGSTOP) == 0 else {
            return nil
        }
        // Wait until the child is suspended or has ended.
        let isHeld: Bool? = eventually(within: 2) {
            switch status(of: child)?.state {
            case "T": true
            case nil, "Z": false
            default: nil
            }
        }
        return isHeld == true ? child : nil
    }

    private static func parent(of process: pid_t) -> pid_t? { status(of: process)?.parent }

    /// Reads the status with system calls only, which are fast, because a child that reads a small file does not live
    /// long.
    private static func status(of process: pid_t) -> (state: String, parent: pid_t)? {
        let descriptor = unsafe open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        // The state and the parent follow the name, which may contain any characters.
        guard count > 0, let end = bytes[..<count].lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let words = String(decoding: bytes[(end + 1)..<count], as: UTF8.self).split(separator: " ")
        guard words.count > 1, let parent = pid_t(words[1]) else { return nil }
        return (String(words[0]), parent)
    }
}
