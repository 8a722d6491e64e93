import Foundation
import ModelFiles
import Recurrent
import Training
import Wire

/// The states with which a stateful training starts and ends, one for each lane, in the form of `sluice export`.
struct StreamStates {
    /// The streams in the order of the lanes.
    let exports: [StreamExport]

    /// Reads a file with one export on each line.
    ///
    /// - Throws: ``ClientError`` if the file cannot be read or has something else.
    init(path: String) throws(ClientError) {
        exports = try StreamExport.read(try InputFile(path: path))
    }

    /// Returns the states in the layout of a trainer.
    ///
    /// - Parameter model: The model.
    /// - Returns: A state for each lane.
    /// - Throws: ``ClientError`` with the status `data` if a state is not one of a model with such layers.
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

    /// The streams whose state is that of other weights, which a daemon would refuse.
    func streams(notOf fingerprint: String) -> [String] {
        exports.filter { $0.fingerprint != fingerprint }.map(\.stream)
    }

    /// Returns the streams after a training, one export on each line.
    ///
    /// - Parameters:
    ///   - states: The states of the lanes.
    ///   - streams: The streams of the lanes, for lanes without an export.
    ///   - timesteps: The number of timesteps of each lane in an epoch.
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
            // No decision of the trained weights exists yet.
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
