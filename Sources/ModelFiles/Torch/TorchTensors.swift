import Recurrent

/// The tensors of a state dict, with a record of those that are still unused.
struct TorchTensors {
    private let file: Safetensors
    private var unused: Set<String>

    init(_ file: Safetensors) {
        self.file = file
        unused = Set(file.names)
    }

    /// Whether the state dict has a tensor with this name.
    func has(_ name: String) -> Bool { file.shape(of: name) != nil }

    /// Returns the number of levels of a recurrent module. The result is at least 1, even without any tensors, so that
    /// the first missing tensor is reported by name.
    func depth(of prefix: String) -> Int {
        var depth = 1
        while has("\(prefix)weight_ih_l\(depth)") { depth += 1 }
        return depth
    }

    /// Takes a tensor with a given number of axes.
    mutating func take(_ name: String, rank: Int) throws(Defect) -> Tensor {
        guard has(name) else {
            throw Defect(
                .corrupt, "the description needs the tensor '\(name)', but the file has only \(file.names)")
        }
        let tensor = try file.tensor(name)
        guard tensor.shape.count == rank, !tensor.shape.contains(0) else {
            throw Defect(.corrupt, "tensor '\(name)' has the shape \(tensor.shape), expected \(rank) axes")
        }
        unused.remove(name)
        return tensor
    }

    /// Takes a tensor with a given shape.
    mutating func take(_ name: String, shape: [Int]) throws(Defect) -> Tensor {
        let tensor = try take(name, rank: shape.count)
        try require(tensor, name, shape: shape)
        return tensor
    }

    /// Takes a tensor with a given shape; nil if the state dict does not have the tensor.
    mutating func takeIfPresent(_ name: String, shape: [Int]) throws(Defect) -> Tensor? {
        has(name) ? try take(name, shape: shape) : nil
    }

    /// Leaves out a tensor that affects no answer.
    mutating func leaveOut(_ name: String) { unused.remove(name) }

    func require(_ tensor: Tensor, _ name: String, shape: [Int]) throws(Defect) {
        guard tensor.shape == shape else {
            throw Defect(.corrupt, "tensor '\(name)' has the shape \(tensor.shape), expected \(shape)")
        }
    }

    /// Checks that all tensors were taken, and thus that the description covers the whole state dict.
    func requireAllUsed() throws(Defect) {
        guard unused.isEmpty else {
            throw Defect(.unsupported, "the tensors \(unused.sorted()) belong to no layer of the description")
        }
    }
}

extension Tensor {
    /// The transposed matrix: (rows, columns) becomes (columns, rows).
    var transposed: Tensor {
        let (rows, columns) = (shape[0], shape[1])
        return rearranged([columns, rows]) { (index: Int) in index % rows * columns + index / rows }
    }

    /// Returns the tensor with the equally sized blocks of its first axis reordered. `order[i]` is the old position of
    /// block i.
    func withBlocks(_ order: [Int]) -> Tensor {
        let size = values.count / order.count
        return rearranged(shape) { (index: Int) in order[index / size] * size + index % size }
    }

    /// Returns two vectors as the rows of a matrix.
    func stacked(on other: Tensor) -> Tensor {
        known([2, values.count], values + other.values)
    }

    /// Returns the sum of two tensors of the same shape.
    func sum(with other: Tensor) -> Tensor {
        known(shape, zip(values, other.values).map { $0 + $1 })
    }

    private func rearranged(_ shape: [Int], _ source: (Int) -> Int) -> Tensor {
        known(shape, values.indices.map { values[source($0)] })
    }

    private func known(_ shape: [Int], _ values: [Float]) -> Tensor {
        do {
            return try Tensor(shape: shape, values: values)
        } catch {
            preconditionFailure("the number of values matches the shape: \(error)")
        }
    }
}
