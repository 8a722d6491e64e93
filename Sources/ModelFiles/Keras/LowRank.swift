import FoundationEssentials
package import Recurrent

/// The two low-rank matrices that LoRA trains in place of a weight
/// (<https://keras.io/api/layers/base_layer/#enable_lora-method>).
///
/// A `.keras` archive stores the sum of the weight and the matrices' product. An `.h5` file stores all three.
package struct LowRank: Equatable, Sendable {
    /// The factor of the matrices' product: `lora_alpha` / `lora_rank`.
    let scale: Float

    /// The names of the two matrices of a weight.
    package static func names(of weight: String) -> [String] { ["lora_\(weight)_a", "lora_\(weight)_b"] }

    /// Adds the matrices' product to a weight.
    ///
    /// - Parameters:
    ///   - weight: Shape (…, columns).
    ///   - a: Shape (…, rank).
    ///   - b: Shape (rank, columns).
    /// - Returns: The sum, in the shape of the weight.
    /// - Throws: ``Defect`` if the shapes do not match.
    package func merged(_ weight: Tensor, _ a: Tensor, _ b: Tensor) throws(Defect) -> Tensor {
        guard b.shape.count == 2, let rank = a.shape.last, b.shape[0] == rank, b.shape[1] == weight.shape.last,
            a.shape.dropLast() == weight.shape.dropLast()
        else {
            throw Defect(
                .corrupt, "the low-rank matrices \(a.shape) and \(b.shape) do not fit the weight \(weight.shape)")
        }
        let columns = b.shape[1]
        var values = weight.values
        for row in 0..<(columns == 0 ? 0 : values.count / columns) {
            for column in 0..<columns {
                var sum: Float = 0
                for k in 0..<rank { sum += a.values[row * rank + k] * b.values[k * columns + column] }
                values[row * columns + column] += scale * sum
            }
        }
        do {
            return try Tensor(shape: weight.shape, values: values)
        } catch {
            throw Defect(.corrupt, error.context)
        }
    }
}

extension LowRank {
    private enum Option: String, CodingKey {
        case rank = "lora_rank"
        case alpha = "lora_alpha"
    }

    /// Reads the options of a layer; nil if LoRA is off. Without `lora_alpha`, as in the first versions, the scale is 1.
    init?(from decoder: any Decoder) throws {
        let options = try decoder.container(keyedBy: Option.self)
        guard let rank = try options.decodeIfPresent(Int.self, forKey: .rank) else { return nil }
        guard rank >= 1 else { throw Defect(.corrupt, "lora_rank is \(rank), expected at least 1") }
        let alpha = try options.decodeIfPresent(Float.self, forKey: .alpha) ?? Float(rank)
        scale = alpha / Float(rank)
    }
}
