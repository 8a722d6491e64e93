package import Foundation

extension Process {
    /// Starts the process, and closes the files that were opened for it as its standard input, output and error.
    ///
    /// Foundation closes these files only when it releases the process, which may be never. It also crashes when it
    /// starts a process while more than about 1,350 descriptors are open: it reads past the end of the directory
    /// `/proc/self/fd`.
    ///
    /// - Throws: Foundation's error if the process cannot be started or a file cannot be closed.
    package func runOwningFiles() throws {
        try run()
        let files = Set([standardInput, standardOutput, standardError].compactMap { $0 as? FileHandle })
        let shared: Set = [.nullDevice, .standardInput, .standardOutput, FileHandle.standardError]
        for file in files.subtracting(shared) { try file.close() }
    }
}
