import FoundationEssentials
import Glibc
import Synchronization

/// Has a file of Keras read in a process apart.
///
/// libhdf5 crashes and loops on damaged files, and files are not trusted. So the program starts itself anew under the
/// name ``name``; that process sets itself limits, reads the file from its standard input, and writes one message to
/// its standard output: the model in the exchange form, or what is wrong with the file. What it writes is not trusted
/// either.
package enum KerasReader {
    /// What the process is started as, in place of the program's name.
    package static let name = "sluice-keras-reader"
    /// How long the process may compute, in seconds. It asks the system to see to it.
    package static let processorSeconds = 10
    /// How long it may take altogether, waiting included.
    private static let wallSeconds = 20
    /// The most bytes that it may answer: the weights of the largest file, and what is said about them.
    private static let maximumAnswer = FileBytes.maximumSize + 2 * Safetensors.maximumHeaderSize

    /// What the first byte of the message says about the others.
    package enum Message: UInt8 {
        /// A safetensors file.
        case form = 1
        /// A ``Defect`` in JSON.
        case defect = 2
    }

    /// The programs of Sluice call this at their start: they can be started anew as the reader.
    package static func programCanRead() {
        canRead.store(true, ordering: .relaxed)
    }

    private static let canRead = Atomic(false)

    /// Ends the processes that are reading, for a program that stops. Each reading fails.
    package static func endAll() { ChildProcess.endAll() }

    /// Reads a file of Keras.
    ///
    /// - Parameter file: The open file.
    /// - Returns: The model.
    /// - Throws: ``Defect``: what the process found wrong; `corrupt` where it was ended by the file; `unreadable` where
    ///   it could not be started.
    static func read(_ file: borrowing FileBytes) throws(Defect) -> ExchangeForm {
        let (program, description) = try program()
        var ends: [Int32] = [-1, -1]
        // A pair of sockets is never without CLOEXEC, as a pipe is for a moment, in which another thread may start a process.
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
            throw damaged("took more than \(wallSeconds) s, or gave more than \(maximumAnswer) bytes")
        }
        let body = Array(answer.dropFirst())
        switch answer.first.flatMap(Message.init) {
        case .form:
            // An answer that was cut short by a crash is found out by the safetensors' lengths.
            if let form = try? ExchangeForm(Safetensors(body)) { return form }
        case .defect:
            if let defect = try? JSONDecoder().decode(Defect.self, from: Data(body)) { throw defect }
        case nil: break
        }
        throw switch end {
        case .signal(SIGXCPU): damaged("took more than \(processorSeconds) s of the processor")
        case .signal(let signal): damaged("ended in a crash (\(unsafe String(cString: strsignal(signal))))")
        case .status: damaged("ended without an answer")
        }
    }

    private static func damaged(_ what: String) -> Defect { Defect(.corrupt, "damaged: reading it \(what)") }

    private static func notStarted(_ reason: String) -> Defect {
        Defect(.unreadable, "Keras files are read in a process apart, which cannot be started: \(reason)")
    }

    /// This program, or `sluice` beside it where it is another one, as that which runs the tests.
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
