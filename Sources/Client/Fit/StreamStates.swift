import Foundation
import ModelFiles
import Recurrent
import Training
import Wire

/// The states at the start or at the end of stateful training: one per lane, in the format of `sluice export`.
struct StreamStates {
    /// The exported streams, in lane order.
    let exports: [StreamExport]

    /// Reads a file with one export on each line.
    ///
    /// - Throws: ``ClientError`` if the file cannot be read or contains something else.
    init(path: String) throws(ClientError) {
        exports = try StreamExport.read(try InputFile(path: path))
    }

    /// Returns the states in the layout that a trainer uses.
    ///
    /// - Parameter model: The model.
    /// - Returns: One state per exported stream.
    /// - Throws: ``ClientError`` with the status `data` if a state does not fit the model's layers.
    func states(of model: Model) throws(ClientError) -> [[Float]] {
        var states: [[Float]] = []
        for export in exports {
            guard let values = export.decodeState(), values.count == model.stateSize + model.outputs,
                values.dropLast(model.outputs).allSatisfy(\.isFinite)
            else {
                throw ClientError(
                    .data,
                    "the state of stream '\(export.stream)' is not that of this model, which has "
                        + "\(Quantity.count(model.stateSize, of: "value")) of state; a stream in the modes sequence and "
                        + "window has none")
            }
            states.append(Array(values.dropLast(model.outputs)))
        }
        return states
    }

    /// Returns the streams whose state comes from other weights. A daemon would refuse such a state.
    func streams(notOf fingerprint: String) -> [String] {
        exports.filter { $0.fingerprint != fingerprint }.map(\.stream)
    }

    /// Returns the streams after training as text, with one export on each line.
    ///
    /// - Parameters:
    ///   - states: The states of the lanes.
    ///   - streams: The first stream of each lane, for lanes without an initial state.
    ///   - timesteps: The number of timesteps in each lane per epoch.
    ///   - before: The streams before the training, if it started from their states.
    ///   - file: The trained model.
    /// - Returns: The lines.
    /// - Throws: ``ClientError`` if JSON cannot be written.
    static func text(
        _ states: [[Float]], of streams: [String], timesteps: [Int], before: StreamStates?, trained file: ModelFile
    ) throws(ClientError) -> String {
        var text = ""
        for (lane, state) in states.enumerated() {
            let old = before.flatMap { lane < $0.exports.count ? $0.exports[lane] : nil }
            let consumed = UInt64(lane < timesteps.count ? timesteps[lane] : 0)
            // A state ends with the last outputs. These are zeros here, because the trained weights have made no
            // decision yet.
            let values = state + [Float](repeating: 0, count: file.model.outputs)
            let export = StreamExport(
                stream: old?.stream ?? (lane < streams.count ? streams[lane] : "\(lane + 1)"),
                model: old?.model ?? file.name, fingerprint: file.fingerprint,
                sequence: (old?.sequence ?? 0) &+ consumed, step: (old?.step ?? 0) &+ consumed,
                time: Int64(Date.now.timeIntervalSince1970 * 1e9), label: nil, gapPending: false,
                state: StreamExport.encodeState(values))
            text += try JSONText.line(of: export) + "\n"
        }
        return text
    }
}
