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
        let activation: Activation? =
            switch model.layers.last {
            case let layer as Dense: layer.activation
            case let layer as ActivationLayer: layer.activation
            default: nil
            }
        switch activation {
        case .sigmoid, .hardSigmoid, .hardSigmoidOfKeras2, .softmax: self = .probability
        default: self = loss?.fromLogits == true ? .logit : .number
        }
    }
}
