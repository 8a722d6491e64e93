package import Recurrent

/// The meaning of a model's outputs.
package enum OutputMeaning: String, Sendable {
    /// Probabilities, from a sigmoid or a softmax.
    case probability
    /// Logits. The loss, not the model, applies the sigmoid or the softmax.
    case logit
    /// Other numbers. Nothing in the file shows that the model is a classifier.
    case number

    /// Determines the meaning from the model's last layer and its loss.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - loss: The loss that the model was compiled with; nil if unknown.
    package init(of model: Model, loss: CompiledLoss?) {
        if Self.isProbability(model.layers[...]) {
            self = .probability
        } else {
            self = loss?.fromLogits == true ? .logit : .number
        }
    }

    /// Returns whether the output of a chain of layers is a probability.
    private static func isProbability(_ layers: ArraySlice<any Layer>) -> Bool {
        guard let graph = layers.last as? Graph else { return layers.last.map(isProbability) ?? false }
        return graph.isProbability(ofInput: isProbability(layers.dropLast()))
    }

    fileprivate static func isProbability(_ layer: any Layer) -> Bool {
        let activation = (layer as? Dense)?.activation ?? (layer as? ActivationLayer)?.activation
        return switch activation {
        case .sigmoid, .hardSigmoid, .hardSigmoidOfKeras2, .softmax: true
        default: false
        }
    }
}

extension Graph {
    /// Finds out whether the output is a probability. A merge of probabilities is one if it stays between 0 and 1.
    ///
    /// - Parameter input: Whether the input is a probability.
    /// - Returns: Whether the output is a probability.
    fileprivate func isProbability(ofInput input: Bool) -> Bool {
        var values = [input]
        for node in nodes {
            let areProbabilities = node.inputs.allSatisfy { values[$0] }
            let isProbability =
                switch node.operation {
                case .layer(let layer), .shared(let layer, _): OutputMeaning.isProbability(layer)
                case .slice: areProbabilities
                case .merge(let merge, _): areProbabilities && merge != .add && merge != .subtract
                case .attention, .dot: false
                }
            values.append(isProbability)
        }
        return values[nodes.count]
    }
}
