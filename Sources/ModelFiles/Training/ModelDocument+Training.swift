extension ModelDocument {
    /// A layer with something that Sluice does not train.
    package struct Obstacle: Sendable {
        /// The layer's name.
        package let layer: String
        /// The layer's class in Keras.
        package let className: String
        /// The class, or the option of the layer, that Sluice does not train.
        package let reason: String
        /// The layer's place in the engine's model; nil if it is not there.
        package let index: Int?
    }

    /// A Dropout, which the engine's model leaves out.
    package struct Dropout: Sendable {
        /// The place in the engine's model of the layer whose input it drops.
        package let before: Int
        /// The part of the values that it drops.
        package let rate: Double
    }

    /// The number of sequences in the shape of the model's input; nil for any number.
    package var batchSize: Int? { architecture.inputShape.axes.first ?? nil }

    /// The layers with something that Sluice does not train.
    package var obstacles: [Obstacle] {
        let traits = LayerTraining.all(in: form.architecture)
        return places.compactMap { layer, place, isComputed in
            let trait = traits[layer.name]
            let endsInDropout = trait?.dropoutRate != nil && place == file.model.layers.count
            guard let reason = trait?.obstacle ?? (endsInDropout ? "Dropout at the end" : nil) else { return nil }
            return Obstacle(
                layer: layer.name, className: layer.className, reason: reason, index: isComputed ? place : nil)
        }
    }

    /// The model's dropouts.
    package var dropouts: [Dropout] {
        let traits = LayerTraining.all(in: form.architecture)
        return places.compactMap { layer, place, _ in
            traits[layer.name]?.dropoutRate.map { Dropout(before: place, rate: $0) }
        }
    }

    /// Each layer with the number of layers of the engine's model before it, and whether the engine's model has it.
    private var places: [(layer: KerasArchitecture.NamedLayer, place: Int, isComputed: Bool)] {
        var place = 0
        return zip(architecture.layers, file.isComputed).map { layer, isComputed in
            defer { place += isComputed ? 1 : 0 }
            return (layer, place, isComputed)
        }
    }
}
