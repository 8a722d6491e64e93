/// A run of adjacent ``Dense`` layers that steps many timesteps of one stream at once. It copies no values into tiles
/// and reads each weight once for several timesteps.
@safe
struct DenseRun {
    private let model: Model
    private let layers: Range<Int>
    /// Two buffers, used alternately for the layers' outputs, shape (capacity, units) each.
    private let buffers: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)

    /// Returns the leading part of `layers` that a ``DenseRun`` can step.
    static func layers(of model: Model, in layers: Range<Int>) -> Range<Int> {
        let end = layers.first { unsafe model.steps[$0].sequenceDense == nil } ?? layers.upperBound
        return layers.lowerBound..<end
    }

    /// Creates a run.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - layers: A range from ``layers(of:in:)`` with at least one layer.
    ///   - capacity: The maximum number of timesteps.
    init(_ model: Model, _ layers: Range<Int>, capacity: Int) {
        self.model = model
        self.layers = layers
        let size = capacity * (layers.map { model.steps[$0].units }.max() ?? 0) + Kernels.padding
        unsafe buffers = (.zeros(size), .zeros(size))
    }

    func deallocate() {
        unsafe buffers.0.deallocate()
        unsafe buffers.1.deallocate()
    }

    /// Steps a sequence through the layers.
    ///
    /// - Parameters:
    ///   - count: The number of timesteps, at most the capacity.
    ///   - x: Shape (count, features of the first layer).
    /// - Returns: The outputs of the last layer, shape (count, its units), valid until the next call.
    func callAsFunction(_ count: Int, _ x: UnsafePointer<Float>) -> UnsafePointer<Float> {
        var x = unsafe x
        var (y, spare) = unsafe buffers
        for index in layers {
            guard let dense = unsafe model.steps[index].sequenceDense else {
                preconditionFailure("layer \(index) is no Dense that steps sequences")
            }
            unsafe dense.pointee.stepSequence(count, x: x, y: y)
            unsafe x = UnsafePointer(y)
            unsafe swap(&y, &spare)
        }
        return unsafe x
    }
}
