/// The choice between the scalar path and the batched path. Both give bit-identical outputs.
extension Model {
    /// The minimum number of streams for which the batched path is faster than the scalar path. If the batched path is
    /// never faster, the threshold exceeds the number of lanes.
    ///
    /// The scalar path computes whole vectors, even for a narrow layer that fills only part of one. It also waits for
    /// weights that are not in the nearest cache. The batched path fills its vectors, but an idle lane costs as much as
    /// a busy one.
    var batchThreshold: Int { needsScalarPath ? .max : batchThreshold(of: layers.indices) }

    /// Returns the threshold for a range of layers.
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
            // A layer without a batched step copies each lane out of the tiles and back, which takes about as long as
            // its step.
            batched += Self.layerOverhead + lanes * (steps[index].canStepLanes ? Double(work) : 2 * paddedWork)
            weights += work
        }
        let bytes = weights * MemoryLayout<Float>.stride
        // The batched path reads each weight once for all lanes. In measurements with layers of 48 to 256 units, whose
        // weights exceed the first cache, it took 0.4 to 0.65 of the scalar path's time. With 512 units, the scalar
        // path spends more time waiting for weights than computing. The batched path then took 0.5 of the scalar path's
        // time on a core with narrow vectors, and 0.1 to 0.2 on a core with wide vectors.
        let farGain = kernels.blockWidth > 2 ? 0.2 : 0.5
        let gain = bytes > Self.secondCacheBytes ? farGain : bytes > kernels.cachedBytes ? 0.6 : 1
        return Int((gain * batched / scalar).rounded(.up))
    }

    /// The number of bytes of weights that a core's second cache holds.
    private static var secondCacheBytes: Int { 2 << 20 }

    /// The fixed cost of a layer's step, in multiply-adds of full vectors. Even the smallest layer costs this much,
    /// because its operations depend on one another. Measured with Dense(1) after LSTM(10).
    private static var layerOverhead: Double { 250 }
}
