import Recurrent

/// A layer that does not change a timestep in inference, so the engine's model omits it.
protocol KerasPassThrough: KerasLayer {}

extension KerasPassThrough {
    func build(weights: [Tensor], input: KerasShape) throws(ModelError) -> (any Layer)? { nil }
}

/// Keras' Dropout (<https://keras.io/api/layers/regularization_layers/dropout/>).
struct KerasDropout: KerasPassThrough {
    static let className = "Dropout"
}

/// Keras' SpatialDropout1D (<https://keras.io/api/layers/regularization_layers/spatial_dropout1d/>).
struct KerasSpatialDropout1D: KerasPassThrough {
    static let className = "SpatialDropout1D"
}

/// Keras' GaussianNoise (<https://keras.io/api/layers/regularization_layers/gaussian_noise/>).
struct KerasGaussianNoise: KerasPassThrough {
    static let className = "GaussianNoise"
}

/// Keras' GaussianDropout (<https://keras.io/api/layers/regularization_layers/gaussian_dropout/>).
struct KerasGaussianDropout: KerasPassThrough {
    static let className = "GaussianDropout"
}

/// Keras' AlphaDropout (<https://keras.io/api/layers/regularization_layers/alpha_dropout/>).
struct KerasAlphaDropout: KerasPassThrough {
    static let className = "AlphaDropout"
}

/// Keras' ActivityRegularization (<https://keras.io/api/layers/regularization_layers/activity_regularization/>).
struct KerasActivityRegularization: KerasPassThrough {
    static let className = "ActivityRegularization"
}
