/// The part of a model file that only training needs.
package struct TrainingState: Equatable, Sendable {
    /// The options that the model was compiled with; nil if it is not compiled.
    package var compilation: KerasCompilation?
    /// The optimizer's variables; nil if the file has none.
    package var optimizer: OptimizerVariables?

    /// Creates a state. Each parameter sets the property of the same name.
    package init(compilation: KerasCompilation?, optimizer: OptimizerVariables?) {
        self.compilation = compilation
        self.optimizer = optimizer
    }
}
