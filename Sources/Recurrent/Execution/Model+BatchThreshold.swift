/// The choice between the scalar path and the batched path. The outputs are the same bit for bit on both.
extension Model {
    /// The number of streams from which the batched path is faster than the scalar path. It is more than there are lanes if the
    /// batched path never is.
    ///
    /// The scalar path computes whole vectors, of which a narrow layer fills only a part, and waits for weights that are not in
    /// the nearest cache. The batched path fills its vectors, but an idle lane costs as much as a busy one.
    var batchThreshold: Int { hasMasks ? .max : batchThreshold(of: layers.indices) }

    /// The same threshold for some of the layers.
    func batchThreshold(of indices: Range<Int>) -> Int {
        let lanes = Double(kernels.lanes)
        var scalar = 0.0
        var batched = 0.0
        var weights = 0
        for index in indices {
            let layer = layers[index]
            // An embedding reads only one row of its table.
            let work = layer is Embedding ? layer.units : layer.parameters + layer.units
            let width = (layer as? Dense)?.hasFewColumns == true ? layer.units : Kernels.padded(layer.units)
            let paddedWork = Double(work * width) / Double(layer.units)
            scalar += Self.layerOverhead + paddedWork
            // Copying a lane out of the tiles and back takes about as long as the layers without a batched step.
            batched += Self.layerOverhead + lanes * (steps[index].canStepLanes ? Double(work) : 2 * paddedWork)
            weights += work
        }
        let bytes = weights * MemoryLayout<Float>.stride
        // The batched path reads a weight once for all lanes. With weights outside the first cache it took 0.4 to 0.65 of the
        // scalar path's time, measured with 48 to 256 units. With 512 units the scalar path waits longer for weights than it
        // computes: 0.5 on a core with narrow vectors, 0.1 to 0.2 on one with wide vectors.
        let farGain = kernels.blockWidth > 2 ? 0.2 : 0.5
        let gain = bytes > Self.secondCacheBytes ? farGain : bytes > kernels.cachedBytes ? 0.6 : 1
        return Int((gain * batched / scalar).rounded(.up))
    }

    /// The bytes of weights that a core's second cache holds.
    private static var secondCacheBytes: Int { 2 << 20 }

    /// The time that even the smallest layer takes, in multiply-adds of full vectors, because its operations depend on one
    /// another. Measured with Dense(1) behind LSTM(10).
    private static var layerOverhead: Double { 250 }
}
