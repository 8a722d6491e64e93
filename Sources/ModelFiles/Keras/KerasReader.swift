import FoundationEssentials
import Glibc
import Synchronization

/// Reads Keras files in a separate process.
///
/// libhdf5 can crash or loop forever on a damaged file, and files are not trusted. The program therefore starts itself
/// again under the name ``name``. The new process limits its own resources, reads the file from its standard input, and
/// writes one message to its standard output: the model in the exchange form, or the defect of the file. The message is
/// not trusted either.
package enum KerasReader {
    /// The name under which the program runs as the reader process.
    package static let name = "sluice-keras-reader"
    /// The maximum processor time of the process, in seconds. The process asks the system to enforce this limit.
    package static let processorSeconds = 10
    /// The maximum total time of the process, in seconds, including waiting.
    private static let wallSeconds = 20
    /// The maximum size of the message, in bytes: the weights of the largest file and their metadata.
    private static let maximumAnswer = FileBytes.maximumSize + 2 * Safetensors.maximumHeaderSize

    /// The kind of message, stated in its first byte.
    package enum Message: UInt8 {
        /// A safetensors file.
        case form = 1
        /// A ``Defect`` in JSON.
        case defect = 2
    }

    /// Declares that this program can be started again as the reader. Sluice's programs call this at their start.
    package static func programCanRead() {
        canRead.store(true, ordering: .relaxed)
    }

    private static let canRead = Atomic(false)

    /// Ends all reader processes. A program calls this when it stops. Pending reads fail.
    package static func endAll() { ChildProcess.endAll() }

    /// Reads a Keras file.
    ///
    /// - Parameter file: The open file.
    /// - Returns: The model.
    /// - Throws: The ``Defect`` that the process reports. If the file made the process end early, the code is
    ///   `corrupt`. If the process could not be started, the code is `unreadable`.
    static func read(_ file: borrowing FileBytes) throws(Defect) -> ExchangeForm {
        let (program, description) = try program()
        var ends: [Int32] = [-1, -1]
        // A socket pair has CLOEXEC from the start. A pipe gets it a moment later, and another thread might start a
        // process in between.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw notStarted(SystemError.text) }
        let output = ends[0]
        defer { _ = close(output) }
        let process: ChildProcess
        do {
            defer { _ = close(ends[1]) }
            process = try ChildProcess(program, name: name, input: file.descriptor, output: ends[1])
        } catch {
            throw notStarted("\(description): \(error.context)")
        }
        let answer = process.answer(from: output, atMost: maximumAnswer, seconds: wallSeconds)
        let end = process.end()
        return try form(of: answer, end)
    }

    private static func form(of answer: [UInt8]?, _ end: ChildProcess.End) throws(Defect) -> ExchangeForm {
        guard let answer else {
            throw damaged("took more than \(wallSeconds) s or wrote more than \(maximumAnswer) bytes")
        }
        let body = Array(answer.dropFirst())
        switch answer.first.flatMap(Message.init) {
        case .form:
            // The lengths in the safetensors header reveal an answer that a crash cut short.
            if let form = try? ExchangeForm(Safetensors(body)) { return form }
        case .defect:
            if let defect = try? JSONDecoder().decode(Defect.self, from: Data(body)) { throw defect }
        case nil: break
        }
        throw switch end {
        case .signal(SIGXCPU): damaged("took more than \(processorSeconds) s of processor time")
        case .signal(let signal): damaged("ended in a crash (\(unsafe String(cString: strsignal(signal))))")
        case .status: damaged("ended without an answer")
        }
    }

    private static func damaged(_ what: String) -> Defect { Defect(.corrupt, "damaged: reading it \(what)") }

    private static func notStarted(_ reason: String) -> Defect {
        Defect(.unreadable, "the separate process that reads Keras files cannot be started: \(reason)")
    }

    /// Returns this program, or the `sluice` beside it if this is another program, such as the test runner.
    private static func program() throws(Defect) -> (path: String, description: String) {
        let this = "/proc/self/exe"
        if canRead.load(ordering: .relaxed) { return (this, "this program") }
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
