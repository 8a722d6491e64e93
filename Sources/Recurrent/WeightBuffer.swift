/// All weights of a model in one piece of memory, written once while the model is built and then only read.
///
/// One owner: the ``Model``, which frees it. Each tensor begins on a cache line.
@safe
struct WeightBuffer {
    private static let alignment = 64
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private var used = 0

    /// Room for these layers' weights, and for a bias of zeros where a layer has none.
    init(for layers: [Layer]) {
        let floatsPerLine = Self.alignment / MemoryLayout<Float>.stride
        var floats = 0
        for layer in layers {
            let lengths = layer.weights.map(\.values.count) + [4 * layer.units]
            floats += lengths.reduce(0) { $0 + $1 + floatsPerLine }
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
