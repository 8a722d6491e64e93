/// All weights of a model in one piece of memory, written once while the model is built and then only read.
///
/// One owner: the ``Model``, which frees it. Each tensor begins on a cache line. Only the engine looks into it.
@safe
package struct WeightBuffer {
    private static let alignment = 64
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private var used = 0

    /// Room for these layers' weights, for the zeros or ones that stand for weights that a layer does not have (a GRU's
    /// two biases are the most, 6 · units; a Bidirectional may have two of them), and for the gaps between pieces, at most
    /// sixteen a layer.
    init(for layers: [any Layer]) {
        let floatsPerLine = Self.alignment / MemoryLayout<Float>.stride
        var floats = 0
        for layer in layers {
            floats += layer.weights.reduce(12 * layer.units + 16 * floatsPerLine) { $0 + $1.values.count }
        }
        capacity = floats * MemoryLayout<Float>.stride
        unsafe base = .allocate(byteCount: capacity, alignment: Self.alignment)
    }

    /// Copies the values in and tells where they stand, for as long as the buffer lives.
    mutating func append(_ values: [Float]) -> UnsafePointer<Float> {
        let bytes = values.count * MemoryLayout<Float>.stride
        precondition(used + bytes <= capacity, "init(for:) counted too little")
        let start = unsafe (base + used).initializeMemory(as: Float.self, from: values, count: values.count)
        used = (used + bytes + Self.alignment - 1) / Self.alignment * Self.alignment
        return unsafe UnsafePointer(start)
    }

    func deallocate() {
        unsafe base.deallocate()
    }
}
