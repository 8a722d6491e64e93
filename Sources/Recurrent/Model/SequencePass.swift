/// The pass of a layer that runs over a whole sequence at once, because it changes the number of timesteps or because
/// its outputs depend on later timesteps.
package protocol SequencePass {
    /// Returns the number of floats of working memory that a run needs.
    ///
    /// - Parameter count: The number of input timesteps.
    /// - Returns: The number of floats.
    func scratchSize(for count: Int) -> Int

    /// Computes the layer's outputs.
    ///
    /// - Parameters:
    ///   - x: The input, shape (count, features).
    ///   - count: The number of input timesteps, for which ``Layer/timesteps(of:)`` is not nil.
    ///   - isMasked: The input's mask, with room for the mask of the outputs. A layer that does not discard masks
    ///     replaces the mask with that of its outputs.
    ///   - y: Receives the outputs, shape (output timesteps, units), padded. Must not overlap `x`.
    ///   - scratch: Working memory, shape (``scratchSize(for:)``).
    func run(
        _ x: UnsafePointer<Float>, count: Int, isMasked: UnsafeMutablePointer<Bool>,
        into y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>)
}

extension SequencePass {
    package func scratchSize(for count: Int) -> Int { 0 }
}
