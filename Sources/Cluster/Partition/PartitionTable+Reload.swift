import Recurrent
import Streams
import Wire

/// Exchanges the weights of a model.
extension PartitionTable {
    /// Exchanges weights as the single daemon does, except that weights which cannot continue are refused even if this
    /// partition has no streams of the model. All partitions then decide alike.
    ///
    /// - Returns: The number of streams that keep their state.
    func reload(
        _ record: ControlRecord.ReloadRecord, time: Int64, into items: inout [UInt8]
    ) throws(ControlError) -> Int {
        let order = record.order ?? position
        guard let model = streams.models.firstIndex(where: { $0.name == record.model }) else {
            throw ControlError(.invalidParams, "no model '\(record.model)'")
        }
        // Partition 0 has a later reload already, so this one comes too late here.
        guard order > serve?.reloadOrder ?? 0 else { return 0 }
        guard let served = offer.served(Weights(model: model, record.fingerprint)) else {
            preconditionFailure("the weights are read before the record that serves them")
        }
        if let refusal = streams.models[model].refusal(ofReloadTo: served, resetting: record.resets) {
            throw ControlError(refusal)
        }
        let carried = try answering { () throws(StreamsError) in
            try streams.beginReload(model, with: served, resetting: record.resets)
        }
        while !streams.sweep(limit: .max) {}
        serve?.models[model].fingerprint = served.fingerprint
        serve?.reloadOrder = order
        var event = StreamEvent(.reloaded, nil, count: streams.count(ofModel: model), time: time)
        event.model = served.name
        event.fingerprint = served.fingerprint
        event.carried = carried
        append(event, to: &items)
        return carried
    }
}
