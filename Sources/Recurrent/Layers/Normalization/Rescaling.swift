/// A layer that multiplies each feature by a factor and then adds an offset. It keeps no state.
package struct Rescaling: Equatable, Sendable {
    /// The factors, shape (units).
    package let scale: Tensor
    /// The offsets, added after the multiplication, shape (units).
    package let offset: Tensor

    /// The width of the input and of the output.
    package var units: Int { scale.shape[0] }

    /// Creates a layer.
    ///
    /// - Parameters:
    ///   - scale: Shape (units).
    ///   - offset: Shape (units).
    /// - Throws: ``ModelError`` if a weight has the wrong shape or is not finite. The error names the weight.
    package init(scale: Tensor, offset: Tensor) throws(ModelError) {
        try ModelError.check(units: scale.values.count)
        try scale.check(shape: [scale.values.count], of: "scale")
        try offset.check(shape: scale.shape, of: "offset")
        self.scale = scale
        self.offset = offset
    }
}

extension Rescaling: TimestepLayer {
    package var features: Int { units }
    package var weights: [Tensor] { [scale, offset] }
    /// Zero, because in Keras the factor and the offset are options of the layer.
    package var parameters: Int { 0 }
    package var architecture: String { "rescaling units=\(units)" }

    package func makeStep(in weights: inout WeightBuffer) -> LayerStep {
        let step = Step(scale: scale.values, offset: offset.values, weights: &weights)
        return unsafe LayerStep(.rescaling(weights.place(step)), of: self)
    }

    /// The layer's step.
    @safe
    struct Step {
        let units: Int
        /// Shape (units).
        let scale: UnsafePointer<Float>
        /// Shape (units).
        let offset: UnsafePointer<Float>

        init(scale: [Float], offset: [Float], weights: inout WeightBuffer) {
            units = scale.count
            unsafe self.scale = weights.append(scale)
            unsafe self.offset = weights.append(offset)
        }

        /// Computes `y = x ⊙ scale + offset`
        /// (<https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/>).
        ///
        /// - Parameters:
        ///   - x: The input, shape (units).
        ///   - y: The output, shape (units). Must not overlap `x`.
        func callAsFunction(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
            for k in 0..<units {
                unsafe y[k] = x[k] * scale[k] + offset[k]
            }
        }
    }
}
