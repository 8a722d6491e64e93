/// One value of a ``Graph`` at all timesteps of a sequence, or at a single timestep.
@safe
struct GraphValue: BitwiseCopyable {
    /// Shape (count, width), padded.
    let values: UnsafeMutablePointer<Float>
    /// Which timesteps are masked, shape (count).
    let isMasked: UnsafeMutablePointer<Bool>
    /// The number of timesteps; 1 for a vector.
    var count: Int
    let width: Int

    /// The values of a timestep. A single timestep stands for all of them, as in Keras.
    func row(_ timestep: Int) -> UnsafeMutablePointer<Float> {
        unsafe values + (count == 1 ? 0 : timestep) * width
    }

    /// Returns whether a timestep is masked.
    func isMasked(_ timestep: Int) -> Bool { unsafe isMasked[count == 1 ? 0 : timestep] }
}

/// The inputs of one node of a graph.
@safe
struct GraphInputs: BitwiseCopyable {
    /// All values of the graph so far.
    let all: UnsafePointer<GraphValue>
    /// The numbers of the inputs among them, shape (count).
    let places: UnsafePointer<Int>
    let count: Int

    subscript(index: Int) -> GraphValue { unsafe all[places[index]] }
}
