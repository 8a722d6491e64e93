/// ``Dense`` layers one behind another that take many timesteps of a stream as they stand, and give them so: no value is put
/// elsewhere for them, and a weight is read once for several timesteps.
@safe
struct DenseRun {
    /// Which layers of the model.
    let layers: Range<Int>
    private let model: Model
    /// What the layers give, by turns, shape (most, units).
    private let buffers: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)

    /// Nil where the first of the layers is none of that kind.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - layers: The run begins with the first of them and goes on as far as it can.
    ///   - most: How many timesteps it takes at most.
    init?(_ model: Model, _ layers: Range<Int>, most: Int) {
        let end = layers.first { unsafe model.steps[$0].takingSteps == nil } ?? layers.upperBound
        guard end > layers.lowerBound else { return nil }
        self.model = model
        self.layers = layers.lowerBound..<end
        let size = most * (self.layers.map { model.steps[$0].units }.max() ?? 0) + Kernels.padding
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
            unsafe model.steps[index].takingSteps?.pointee.step(count, x: x, y: y)
            unsafe x = UnsafePointer(y)
            unsafe swap(&y, &spare)
        }
        return unsafe x
    }
}
