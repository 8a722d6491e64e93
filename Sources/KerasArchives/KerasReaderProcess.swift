#if Keras
import FoundationEssentials
import Glibc
import ModelFiles
#endif

/// The process in which files of Keras are read: this program, started anew by ModelFiles.
public enum KerasReaderProcess {
    /// Reads a file of Keras and ends the process, where the program was started for that. To be called first of all.
    ///
    /// In a build without the trait `Keras` it does nothing.
    public static func runIfAsked() {
        #if Keras
        KerasReader.programCanRead()
        if CommandLine.arguments.first == KerasReader.name { run() }
        #endif
    }

    #if Keras
    /// What the process may take besides what grows with the file: the program and its libraries.
    private static let baseMemory = 1 << 30
    /// The file, the library's copy of it, the weights, and the same as text of the exchange form, each with room to
    /// grow.
    private static let memoryPerByte = 8

    private static func run() -> Never {
        closeInherited()
        limit(RLIMIT_NOFILE, to: Int(STDERR_FILENO) + 1)
        limit(RLIMIT_CORE, to: 0)
        limit(RLIMIT_CPU, to: KerasReader.processorSeconds)
        do {
            let file = try FileBytes(STDIN_FILENO)
            // A sanitizer takes terabytes of addresses for itself.
            #if !SANITIZED
            limit(RLIMIT_AS, to: baseMemory + memoryPerByte * file.size)
            #endif
            answer(.form, try KerasArchive.read(file.all()).bytes)
        } catch {
            answer(.defect, (try? JSONEncoder().encode(error)).map(Array.init) ?? [])
        }
    }

    /// Closes what the daemon's parent left open in it: a library that has been led astray shall reach nothing.
    private static func closeInherited() {
        var limit = rlimit()
        guard unsafe getrlimit(RLIMIT_NOFILE.resource, &limit) == 0 else { _exit(EXIT_FAILURE) }
        for descriptor in STDERR_FILENO + 1..<Int32(min(limit.rlim_cur, 1 << 16)) { _ = close(descriptor) }
    }

    /// Sets a limit that the process cannot lift again.
    private static func limit(_ resource: __rlimit_resource, to value: Int) {
        var limit = rlimit(rlim_cur: rlim_t(value), rlim_max: rlim_t(value))
        guard unsafe setrlimit(resource.resource, &limit) == 0 else { _exit(EXIT_FAILURE) }
    }

    private static func answer(_ message: KerasReader.Message, _ body: [UInt8]) -> Never {
        // Where it cannot be written, whoever asked has gone.
        guard ([message.rawValue] + body).writeAll(to: STDOUT_FILENO) else { _exit(EXIT_FAILURE) }
        _exit(EXIT_SUCCESS)
    }
    #endif
}

#if Keras
extension __rlimit_resource {
    /// As the calls take it.
    fileprivate var resource: __rlimit_resource_t { __rlimit_resource_t(rawValue) }
}
#endif
