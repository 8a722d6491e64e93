/// Whether streams are stepped sooner side by side than one after another. The answers are the same either way.
extension Model {
    /// From how many streams on they are, of at most a lane each; more than there are lanes where they never are.
    ///
    /// One stream alone computes whole vectors of which a narrow layer fills only a part, and waits for weights that its
    /// nearest cache does not hold; side by side the vectors are full, but lanes that are not taken cost as much as others.
    var fewestSideBySide: Int { hasMasks ? .max : fewestInLanes(of: layers.indices) }

    /// The same of some of the layers.
    func fewestInLanes(of indices: Range<Int>) -> Int {
        let lanes = Double(kernels.lanes)
        var alone = 0.0
        var together = 0.0
        var weights = 0
        for index in indices {
            let layer = layers[index]
            // Of an embedding only one row is read.
            let work = layer is Embedding ? layer.units : layer.parameters + layer.units
            let width = (layer as? Dense)?.hasFewColumns == true ? layer.units : Kernels.padded(layer.units)
            let filledUp = Double(work * width) / Double(layer.units)
            alone += Self.waiting + filledUp
            // To take a lane apart and put it back takes about as long as the layers for which it is done.
            together += Self.waiting + lanes * (steps[index].isSteppedInLanes ? Double(work) : 2 * filledUp)
            weights += work
        }
        let bytes = weights * MemoryLayout<Float>.stride
        // Seen with layers of 48 to 256 units: 0.4 to 0.65 of the time alone. With 512, which a stream alone waits for longer than
        // it computes: 0.5 where a core has narrow vectors, 0.1 to 0.2 where they are wide.
        let far = kernels.blockWidth > 2 ? 0.2 : 0.5
        let gain = bytes > Self.nearBytes ? far : bytes > kernels.cachedBytes ? 0.6 : 1
        return Int((gain * together / alone).rounded(.up))
    }

    /// Bytes of weights that a core has near, in its second cache.
    private static var nearBytes: Int { 2 << 20 }

    /// What a layer takes however small it is, since its operations wait for one another, in multiply-adds of full vectors: seen
    /// with Dense(1) behind LSTM(10).
    private static var waiting: Double { 250 }
}
