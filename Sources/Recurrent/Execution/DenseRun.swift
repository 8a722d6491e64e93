/// ``Dense`` layers one behind another that take many timesteps of a stream as they stand, and give them so: no value is put
/// elsewhere for them, and a weight is read once for several timesteps.
@safe
struct DenseRun {
    private let model: Model
    private let layers: Range<Int>
    /// What the layers give, by turns, shape (most, units).
    private let buffers: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)

    /// Those of some layers, from the first on, that are such layers.
    static func layers(of model: Model, in layers: Range<Int>) -> Range<Int> {
        let end = layers.first { unsafe model.steps[$0].takingSteps == nil } ?? layers.upperBound
        return layers.lowerBound..<end
    }

    /// - Parameters:
    ///   - model: The model.
    ///   - layers: From ``layers(of:in:)``, at least one.
    ///   - most: How many timesteps are taken at most.
    init(_ model: Model, _ layers: Range<Int>, most: Int) {
        self.model = model
        self.layers = layers
        let size = most * (layers.map { model.steps[$0].units }.max() ?? 0) + Kernels.padding
        unsafe buffers = (.zeros(size), .zeros(size))
    }

    func deallocate() {
        unsafe buffers.0.deallocate()
        unsafe buffers.1.deallocate()
    }

    /// Takes timesteps through the layers.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - x: Shape (count, features of the first layer).
    /// - Returns: Where the answers of the last layer stand until the next call, shape (count, its units).
    func callAsFunction(_ count: Int, _ x: UnsafePointer<Float>) -> UnsafePointer<Float> {
        var x = unsafe x
        var (y, spare) = unsafe buffers
        for index in layers {
            guard let dense = unsafe model.steps[index].takingSteps else { preconditionFailure("no such layer") }
            unsafe dense.pointee.step(count, x: x, y: y)
            unsafe x = UnsafePointer(y)
            unsafe swap(&y, &spare)
        }
        return unsafe x
    }
}
