import Recurrent

extension ModelDocument {
    /// A layer whose class or options Sluice cannot train.
    package struct Obstacle: Sendable {
        /// The layer's name.
        package let layer: String
        /// The layer's class in Keras.
        package let className: String
        /// The class or option that Sluice cannot train.
        package let reason: String
        /// The layer's index in the engine's model; nil if the engine's model omits the layer.
        package let index: Int?
        /// Whether the other layers can be trained while this layer keeps its weights.
        package let canBeFrozen: Bool
    }

    /// A Dropout layer, which the engine's model omits.
    package struct Dropout: Sendable {
        /// The index, in the engine's model, of the layer to whose input the Dropout applies.
        package let before: Int
        /// The fraction of values that the Dropout drops.
        package let rate: Double
    }

    /// The batch size in the shape of the model's input; nil for any size.
    package var batchSize: Int? { architecture.inputShape.axes.first ?? nil }

    /// The reason why Sluice cannot train any layer of the model, as the end of a sentence; nil if there is none.
    package var trainingRefusal: String? {
        if file.model.layers.contains(where: { $0 is Graph }) {
            return "training of branches is not supported; supported: a chain of layers"
        }
        return architecture.isFlat ? nil : "training of nested models is not supported; supported: a chain of layers"
    }

    /// The layers whose class or options Sluice cannot train.
    package var obstacles: [Obstacle] {
        let traits = LayerTraining.all(in: form.architecture)
        return places.compactMap { layer, place, isComputed in
            let trait = traits[layer.name]
            let hasGradient = !isComputed || file.model.layers[place].hasGradient
            let endsInDropout = trait?.dropoutRate != nil && place == file.model.layers.count
            let classReason = hasGradient ? nil : layer.className
            guard let reason = classReason ?? trait?.obstacle ?? (endsInDropout ? "Dropout at the end" : nil) else {
                return nil
            }
            return Obstacle(
                layer: layer.name, className: layer.className, reason: reason, index: isComputed ? place : nil,
                canBeFrozen: hasGradient)
        }
    }

    /// The model's dropouts.
    package var dropouts: [Dropout] {
        let traits = LayerTraining.all(in: form.architecture)
        return places.compactMap { layer, place, _ in
            traits[layer.name]?.dropoutRate.map { Dropout(before: place, rate: $0) }
        }
    }

    /// For each layer, the number of layers before it in the engine's model, and whether the engine's model includes
    /// it.
    private var places: [(layer: KerasArchitecture.NamedLayer, place: Int, isComputed: Bool)] {
        var place = 0
        return zip(architecture.layers, file.isComputed).map { layer, isComputed in
            defer { place += isComputed ? 1 : 0 }
            return (layer, place, isComputed)
        }
    }
}
