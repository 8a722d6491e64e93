#if Keras
import ModelFiles
import Recurrent

/// The optimizer's variables in `model.weights.h5` of a `.keras` archive.
enum KerasOptimizer {
    /// The optimizer's group.
    static let group = "optimizer"
    /// The path of the variables, which are named `0`, `1` and so on.
    static let variables = "\(group)/vars"

    /// Reads the variables; nil if the file has none.
    ///
    /// - Throws: ``Defect`` with the code `corrupt`.
    static func ofArchive(_ file: borrowing HDF5File) throws(Defect) -> OptimizerVariables? {
        guard try file.exists("\(variables)/0") else { return nil }
        let count = try file.members(of: variables).count
        let updates = try file.integer("\(variables)/0")
        guard updates >= 0 else { throw Defect(.corrupt, "'\(variables)/0' is negative") }
        var tensors: [Tensor] = []
        for index in 1..<max(1, count) {
            tensors.append(try file.tensor("\(variables)/\(index)"))
        }
        return OptimizerVariables(updates: updates, tensors: tensors)
    }
}
#endif
