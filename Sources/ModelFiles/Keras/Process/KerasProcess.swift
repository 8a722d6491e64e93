import FoundationEssentials
import Glibc
import Synchronization

/// The separate processes that read and write Keras files.
///
/// libhdf5 can crash or loop forever on a damaged file, and model files are untrusted. The program therefore starts
/// itself again under a name that selects the task. The new process limits its own resources, reads its task from its
/// standard input, and writes one message to its standard output. The message is untrusted too.
package enum KerasProcess: String {
    /// Reads a Keras file, without the training state.
    case reader = "sluice-keras-reader"
    /// Reads a Keras file, including the training state.
    case trainingReader = "sluice-keras-training-reader"
    /// Writes a Keras file, given a ``KerasWriteRequest``.
    case writer = "sluice-keras-writer"

    /// The kind of message, stated in its first byte. The number of bytes of the body follows, little-endian in 64 bits,
    /// and then the body.
    package enum Message: UInt8, Sendable {
        /// A safetensors file.
        case form = 1
        /// A ``Defect`` in JSON.
        case defect = 2
        /// A `.keras` archive.
        case archive = 3
    }

    /// The start of a message: its kind and the size of its body.
    package static func start(of message: Message, size: Int) -> [UInt8] {
        [message.rawValue] + (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
    }

    /// Returns the maximum processor time of the process, in seconds. The process asks the system to enforce this limit.
    ///
    /// Reading takes about 0.02 s of processor time for each MiB of a file. The limit is some ten times as much.
    ///
    /// - Parameter size: The size of the process's input, in bytes.
    /// - Returns: The number of seconds.
    package static func processorSeconds(forSize size: Int) -> Int { 10 + (size >> 22) }

    /// The maximum size of the message's body, in bytes: the weights of the largest supported file, and the metadata.
    private static let maximumAnswer = FileBytes.maximumSize + 2 * Safetensors.maximumHeaderSize

    /// Declares that this program can be started again to read and write Keras files. Sluice's programs call this
    /// function at startup.
    package static func programCanRun() {
        canRun.store(true, ordering: .relaxed)
    }

    private static let canRun = Atomic(false)

    /// Ends all processes that read or write Keras files, so that pending tasks fail. A program calls this function
    /// when it stops.
    package static func endAll() { ChildProcess.endAll() }

    /// Runs the task.
    ///
    /// - Parameters:
    ///   - input: The descriptor of a regular file that contains the task.
    ///   - size: The size of the file, in bytes.
    ///   - decode: Decodes the body of a message. Returns nil if the body is damaged.
    /// - Returns: The result.
    /// - Throws: The ``Defect`` that the process reports. The code is `corrupt` if the file made the process end early,
    ///   or `unreadable` if the process could not be started.
    func run<Result>(
        _ input: Int32, size: Int, decode: (Message, [UInt8]) -> Result?
    ) throws(Defect) -> Result {
        let (program, description) = try Self.program()
        var ends: [Int32] = [-1, -1]
        // A socket pair has the flag CLOEXEC from the start. A pipe would get the flag only a moment later, and a
        // process that another thread starts in between would inherit the pipe.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Self.notStarted(SystemError.text) }
        let output = ends[0]
        defer { _ = close(output) }
        let process: ChildProcess
        do {
            defer { _ = close(ends[1]) }
            process = try ChildProcess(program, name: rawValue, input: input, output: ends[1])
        } catch {
            throw Self.notStarted("\(description): \(error.context)")
        }
        let answer = Self.answer(of: process, from: output)
        let end = process.end()
        return try result(of: answer, end, size: size, decode)
    }

    /// The output of a process.
    private enum Answer {
        /// A message. Its body is incomplete if the process ended early.
        case message(Message, body: [UInt8])
        /// No message.
        case none
        /// A message whose body has too many bytes.
        case tooLarge(Int)
        /// The process stalled.
        case stalled
    }

    private static func answer(of process: borrowing ChildProcess, from output: Int32) -> Answer {
        let startSize = start(of: .form, size: 0).count
        guard let start = process.read(startSize, from: output) else { return .stalled }
        guard start.count == startSize, let message = Message(rawValue: start[0]) else { return .none }
        let size = start[1...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard size <= maximumAnswer else { return .tooLarge(Int(clamping: size)) }
        return process.read(Int(size), from: output).map { .message(message, body: $0) } ?? .stalled
    }

    private func result<Result>(
        of answer: Answer, _ end: ChildProcess.End, size: Int, _ decode: (Message, [UInt8]) -> Result?
    ) throws(Defect) -> Result {
        switch answer {
        case .message(.defect, let body):
            if let defect = try? JSONDecoder().decode(Defect.self, from: Data(body)) { throw defect }
        case .message(let message, let body):
            if let result = decode(message, body) { return result }
        case .none: break
        case .tooLarge(let count):
            throw Defect(
                .unsupported, "the model's weights take \(count) bytes; supported: at most \(Self.maximumAnswer)")
        case .stalled:
            throw Defect(
                .unreadable,
                "\(verb) it has stalled: the separate process has not run for a minute; free the processor or the disk, "
                    + "and try again")
        }
        throw switch end {
        case .signal(SIGXCPU):
            Defect(
                .unreadable,
                "\(verb) it took more than \(Self.processorSeconds(forSize: size)) s of processor time, the limit for a "
                    + "file of \(size) bytes; save the model again in Keras")
        case .signal(let signal): damaged("ended in a crash (\(unsafe String(cString: strsignal(signal))))")
        case .status: damaged("ended without an answer")
        }
    }

    private var verb: String { self == .writer ? "writing" : "reading" }

    private func damaged(_ end: String) -> Defect { Defect(.corrupt, "damaged: \(verb) it \(end)") }

    private static func notStarted(_ reason: String) -> Defect {
        Defect(.unreadable, "the separate process for Keras files cannot be started: \(reason)")
    }

    /// Returns the program to start for a task: this program if it can run tasks, otherwise the `sluice` in the same
    /// folder. The test runner, for example, cannot run tasks.
    private static func program() throws(Defect) -> (path: String, description: String) {
        let this = "/proc/self/exe"
        if canRun.load(ordering: .relaxed) { return (this, "this program") }
        var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = unsafe path.withUnsafeMutableBytes { buffer in
            unsafe buffer.baseAddress.map { unsafe readlink(this, $0, buffer.count) } ?? 0
        }
        guard length > 0, let slash = path[..<length].lastIndex(of: UInt8(ascii: "/")) else {
            throw notStarted("\(this): \(SystemError.text)")
        }
        let sibling = String(decoding: path[...slash], as: UTF8.self) + "sluice"
        return (sibling, sibling)
    }
}
