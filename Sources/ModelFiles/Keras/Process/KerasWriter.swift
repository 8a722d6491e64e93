import Glibc

/// Writes Keras files in a separate process.
enum KerasWriter {
    /// Returns the bytes of a `.keras` archive.
    ///
    /// - Throws: ``Defect`` as ``KerasProcess/run(_:decode:)`` does, or with the code `notWritten` if the system lacks
    ///   the memory for the request.
    static func archive(_ request: KerasWriteRequest) throws(Defect) -> [UInt8] {
        let bytes = request.bytes
        let memory = try SharedMemory(bytes)
        return try KerasProcess.writer.run(memory.descriptor, size: bytes.count) { message, body in
            message == .archive ? body : nil
        }
    }
}

/// An unnamed file in memory, which exists for as long as it is open.
private struct SharedMemory: ~Copyable {
    let descriptor: Int32

    init(_ bytes: [UInt8]) throws(Defect) {
        let name = "/sluice-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        descriptor = unsafe shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw Defect(.notWritten, "shared memory: \(SystemError.text)") }
        _ = unsafe shm_unlink(name)
        guard bytes.writeAll(to: descriptor) else { throw Defect(.notWritten, "shared memory: \(SystemError.text)") }
    }

    deinit {
        _ = close(descriptor)
    }
}
