/// Reads Keras files in a separate process.
package enum KerasReader {
    /// Reads a Keras file.
    ///
    /// - Parameters:
    ///   - file: The open file.
    ///   - withTraining: Whether to read the training state as well.
    /// - Returns: The model.
    /// - Throws: ``Defect`` as ``KerasProcess/run(_:decode:)`` does.
    static func read(_ file: FileBytes, withTraining: Bool) throws(Defect) -> ExchangeForm {
        let process: KerasProcess = withTraining ? .trainingReader : .reader
        let form = try process.run(file.descriptor, size: file.size) { message, body in
            message == .form ? decode(body) : nil
        }
        return try form.filled(from: file)
    }

    /// Decodes the answer of the process. It may lack weights that are still in the Keras file.
    ///
    /// - Returns: The form; nil if the answer is damaged. The lengths in the safetensors header reveal an answer that a
    ///   crash cut short.
    package static func decode(_ answer: [UInt8]) -> ExchangeForm? { try? ExchangeForm(Safetensors(answer)) }
}
