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

    /// The kind of message, stated in its first byte.
    package enum Message: UInt8, Sendable {
        /// A safetensors file.
        case form = 1
        /// A ``Defect`` in JSON.
        case defect = 2
        /// A `.keras` archive.
        case archive = 3
    }

    /// The maximum processor time of the process, in seconds. The process asks the system to enforce this limit.
    package static let processorSeconds = 10
    /// The maximum total time of the process, in seconds, including waiting.
    private static let wallSeconds = 20
    /// The maximum size of the message, in bytes: the weights of the largest supported file, and the metadata.
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
    ///   - decode: Decodes the body of a message. Returns nil if the body is damaged.
    /// - Returns: The result.
    /// - Throws: The ``Defect`` that the process reports. The code is `corrupt` if the file made the process end early,
    ///   or `unreadable` if the process could not be started.
    func run<Result>(
        _ input: Int32, decode: (Message, [UInt8]) -> Result?
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
        let answer = process.answer(from: output, atMost: Self.maximumAnswer, seconds: Self.wallSeconds)
        let end = process.end()
        return try result(of: answer, end, decode)
    }

    private func result<Result>(
        of answer: [UInt8]?, _ end: ChildProcess.End, _ decode: (Message, [UInt8]) -> Result?
    ) throws(Defect) -> Result {
        guard let answer else {
            throw damaged("took more than \(Self.wallSeconds) s or wrote more than \(Self.maximumAnswer) bytes")
        }
        let body = Array(answer.dropFirst())
        switch answer.first.flatMap(Message.init) {
        case .defect:
            if let defect = try? JSONDecoder().decode(Defect.self, from: Data(body)) { throw defect }
        case let message?:
            if let result = decode(message, body) { return result }
        case nil: break
        }
        throw switch end {
        case .signal(SIGXCPU): damaged("took more than \(Self.processorSeconds) s of processor time")
        case .signal(let signal): damaged("ended in a crash (\(unsafe String(cString: strsignal(signal))))")
        case .status: damaged("ended without an answer")
        }
    }

    private func damaged(_ end: String) -> Defect {
        Defect(.corrupt, "damaged: \(self == .writer ? "writing" : "reading") it \(end)")
    }

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
