import Foundation
package import Streams
package import Wire

extension StreamExport {
    /// Creates the portable form of a stream, for another daemon.
    ///
    /// - Parameters:
    ///   - image: The stream.
    ///   - model: The name of the stream's model.
    package init(_ image: StreamImage, model: String) {
        var bytes = Data(capacity: image.byteCount)
        for value in image.values {
            let bits = value.bitPattern
            for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        }
        self.init(
            stream: image.id, model: model, fingerprint: image.fingerprint, sequence: image.sequence, step: image.step,
            time: image.time, label: image.label, gapPending: image.gapPending, state: bytes.base64EncodedString())
    }

    /// Reads the portable form of a stream.
    ///
    /// - Parameter id: The id of the new stream; nil for the exported id.
    /// - Returns: The stream, which may not fit any model.
    /// - Throws: ``ControlError`` if the state is not base64 of whole float32 values.
    package func image(as id: String? = nil) throws(ControlError) -> StreamImage {
        guard let data = Data(base64Encoded: state), data.count.isMultiple(of: 4) else {
            throw ControlError(
                .invalidParams, "the 'state' of stream '\(stream)' is not base64 of whole float32 values")
        }
        let bytes = [UInt8](data)
        let values = stride(from: 0, to: bytes.count, by: 4).map { start in
            Float(bitPattern: bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
        return StreamImage(
            id: id ?? stream, fingerprint: fingerprint, sequence: sequence, step: step, time: time, label: label,
            gapPending: gapPending, values: values)
    }
}
