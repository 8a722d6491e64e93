/// Reads Keras files in a separate process.
enum KerasReader {
    /// Reads a Keras file.
    ///
    /// - Parameters:
    ///   - file: The open file.
    ///   - withTraining: Whether to read the training state as well.
    /// - Returns: The model.
    /// - Throws: ``Defect`` as ``KerasProcess/run(_:decode:)`` does.
    static func read(_ file: borrowing FileBytes, withTraining: Bool) throws(Defect) -> ExchangeForm {
        let process: KerasProcess = withTraining ? .trainingReader : .reader
        return try process.run(file.descriptor, size: file.size) { message, body in
            // The lengths in the safetensors header reveal an answer that a crash cut short.
            message == .form ? try? ExchangeForm(Safetensors(body)) : nil
        }
    }
}
