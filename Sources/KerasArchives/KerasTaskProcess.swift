#if Keras
import FoundationEssentials
import Glibc
import ModelFiles
#endif

/// A process that reads or writes one Keras file. For each file, ModelFiles starts the current program again.
package enum KerasTaskProcess {
    /// If the program was started to read or write a Keras file, does so and exits. A program must call this function
    /// before it does anything else.
    ///
    /// In a build without the trait `Keras`, this function does nothing.
    package static func runIfAsked() {
        #if Keras
        KerasProcess.programCanRun()
        if let task = CommandLine.arguments.first.flatMap(KerasProcess.init) { run(task) }
        #endif
    }

    #if Keras
    /// The fixed part of the process's memory limit, in bytes, for the program and its libraries.
    private static let baseMemory = 1 << 30
    /// The part of the memory limit that grows with the file, in bytes per byte of the file. It covers the mapped file,
    /// and the copies of an archive that is compressed or is to be written.
    private static let memoryPerByte = 8

    private static func run(_ task: KerasProcess) -> Never {
        closeInherited()
        limit(RLIMIT_NOFILE, to: Int(STDERR_FILENO) + 1)
        limit(RLIMIT_CORE, to: 0)
        do {
            let file = try FileBytes(STDIN_FILENO)
            limit(RLIMIT_CPU, to: KerasProcess.processorSeconds(forSize: file.size))
            // A sanitized build has no memory limit, because a sanitizer reserves terabytes of address space.
            #if !SANITIZED
            limit(RLIMIT_AS, to: baseMemory + memoryPerByte * file.size)
            #endif
            switch task {
            case .reader, .trainingReader:
                answer(
                    try file.withMapping { bytes throws(Defect) in
                        try KerasArchive.read(bytes, withTraining: task == .trainingReader)
                    })
            case .writer: answer(.archive, try KerasArchive.write(KerasWriteRequest(file.all())))
            }
        } catch {
            answer(.defect, (try? JSONEncoder().encode(error)).map(Array.init) ?? [])
        }
    }

    /// Closes all inherited descriptors except the standard ones, so that a compromised library cannot use them.
    private static func closeInherited() {
        var limit = rlimit()
        guard unsafe getrlimit(RLIMIT_NOFILE.resource, &limit) == 0 else { _exit(EXIT_FAILURE) }
        for descriptor in STDERR_FILENO + 1..<Int32(min(limit.rlim_cur, 1 << 16)) { _ = close(descriptor) }
    }

    /// Sets a limit that the process cannot raise again.
    private static func limit(_ resource: __rlimit_resource, to value: Int) {
        var limit = rlimit(rlim_cur: rlim_t(value), rlim_max: rlim_t(value))
        guard unsafe setrlimit(resource.resource, &limit) == 0 else { _exit(EXIT_FAILURE) }
    }

    // If a write fails, the caller is gone.

    private static func answer(_ form: ExchangeForm) -> Never {
        let isWritten = form.writeAll(to: STDOUT_FILENO) { KerasProcess.start(of: .form, size: $0) }
        _exit(isWritten ? EXIT_SUCCESS : EXIT_FAILURE)
    }

    private static func answer(_ message: KerasProcess.Message, _ body: [UInt8]) -> Never {
        let start = KerasProcess.start(of: message, size: body.count)
        _exit(start.writeAll(to: STDOUT_FILENO) && body.writeAll(to: STDOUT_FILENO) ? EXIT_SUCCESS : EXIT_FAILURE)
    }
    #endif
}

#if Keras
extension __rlimit_resource {
    /// The resource in the type that `getrlimit` and `setrlimit` take.
    fileprivate var resource: __rlimit_resource_t { __rlimit_resource_t(rawValue) }
}
#endif
