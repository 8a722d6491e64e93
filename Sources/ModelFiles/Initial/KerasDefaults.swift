import Wire

/// The options of a layer class in Keras 3.15.1, as `get_config` returns them.
struct KerasDefaults {
    /// The required options, each with an example value of the right type.
    let required: [String: JSONValue]
    /// The options that may be set, with their defaults.
    let optional: [String: JSONValue]
    /// The options that cannot be set, because they only affect training or have a single supported value.
    let fixed: [String: JSONValue]

    /// The options of each class, by class name.
    static let of: [String: KerasDefaults] = [
        "LSTM": recurrent(
            ["recurrent_activation": .string("sigmoid")], fixed: ["unit_forget_bias": .bool(true), "seed": .null]),
        "GRU": recurrent(
            ["recurrent_activation": .string("sigmoid"), "reset_after": .bool(true)], fixed: ["seed": .null]),
        "SimpleRNN": recurrent([:], fixed: [:]),
        "Bidirectional": KerasDefaults(required: ["layer": .null], ["merge_mode": .string("concat")]),
        "TimeDistributed": KerasDefaults(required: ["layer": .null]),
        "Dense": KerasDefaults(
            required: ["units": .integer(1)], ["activation": .string("linear"), "use_bias": .bool(true)],
            fixed: [
                "kernel_initializer": glorotUniform, "bias_initializer": initializer("Zeros"),
                "quantization_config": .null,
            ].merging(nulls("kernel_regularizer", "bias_regularizer", "kernel_constraint", "bias_constraint")) { $1 }),
        "Embedding": KerasDefaults(
            required: ["input_dim": .integer(1), "output_dim": .integer(1)], ["mask_zero": .bool(false)],
            fixed: [
                "embeddings_initializer": initializer(
                    "RandomUniform", ["seed": .null, "minval": .number(-0.05), "maxval": .number(0.05)]),
                "quantization_config": .null,
            ].merging(nulls("embeddings_regularizer", "activity_regularizer", "embeddings_constraint")) { $1 }),
        "LayerNormalization": normalization(["rms_scaling": .bool(false)], fixed: [:]),
        "BatchNormalization": normalization(
            ["momentum": .number(0.99), "synchronized": .bool(false), "renorm": .bool(false)],
            fixed: [
                "moving_mean_initializer": initializer("Zeros"), "moving_variance_initializer": initializer("Ones"),
                "renorm_clipping": .null, "renorm_momentum": .number(0.99),
            ]),
        "Masking": KerasDefaults(["mask_value": .number(0)]),
        "GlobalAveragePooling1D": KerasDefaults(["data_format": .string("channels_last"), "keepdims": .bool(false)]),
        "GlobalMaxPooling1D": KerasDefaults(["data_format": .string("channels_last"), "keepdims": .bool(false)]),
        "Activation": KerasDefaults(required: ["activation": .string("relu")]),
        "ReLU": KerasDefaults(["max_value": .null, "negative_slope": .number(0), "threshold": .number(0)]),
        "LeakyReLU": KerasDefaults(["negative_slope": .number(0.3)]),
        "ELU": KerasDefaults(["alpha": .number(1)]),
        "Softmax": KerasDefaults(["axis": .integer(-1)]),
        "Rescaling": KerasDefaults(required: ["scale": .number(1)], ["offset": .number(0)]),
        "Dropout": KerasDefaults(required: ["rate": .number(1)], fixed: ["seed": .null, "noise_shape": .null]),
        "SpatialDropout1D": KerasDefaults(required: ["rate": .number(1)], fixed: ["seed": .null]),
        "GaussianDropout": KerasDefaults(required: ["rate": .number(1)], fixed: ["seed": .null]),
        "GaussianNoise": KerasDefaults(required: ["stddev": .number(1)], fixed: ["seed": .null]),
    ]

    private static let common: [String: JSONValue] = ["trainable": .bool(true)]
    static let float32 = JSONValue.object([
        "module": .string("keras"), "class_name": .string("DTypePolicy"),
        "config": .object(["name": .string("float32")]), "registered_name": .null,
    ])
    private static let glorotUniform = initializer(
        "GlorotUniform", ["seed": .null, "input_axes": .null, "output_axes": .null])

    private init(
        required: [String: JSONValue] = [:], _ optional: [String: JSONValue] = [:], fixed: [String: JSONValue] = [:]
    ) {
        self.required = required
        self.optional = optional.merging(Self.common) { $1 }
        self.fixed = fixed.merging(["dtype": Self.float32]) { $1 }
    }

    /// The default configuration, without the name and the required options.
    var config: [String: JSONValue] { optional.merging(fixed) { $1 } }

    private static func recurrent(_ own: [String: JSONValue], fixed: [String: JSONValue]) -> KerasDefaults {
        let optional: [String: JSONValue] = [
            "return_sequences": .bool(false), "return_state": .bool(false), "go_backwards": .bool(false),
            "stateful": .bool(false), "unroll": .bool(false), "zero_output_for_mask": .bool(false),
            "activation": .string("tanh"), "use_bias": .bool(true), "dropout": .number(0),
            "recurrent_dropout": .number(0),
        ]
        let initializers: [String: JSONValue] = [
            "kernel_initializer": glorotUniform,
            "recurrent_initializer": initializer("Orthogonal", ["seed": .null, "gain": .number(1)]),
            "bias_initializer": initializer("Zeros"),
        ]
        let unused = nulls(
            "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "activity_regularizer",
            "kernel_constraint", "recurrent_constraint", "bias_constraint")
        return KerasDefaults(
            required: ["units": .integer(1)], optional.merging(own) { $1 },
            fixed: initializers.merging(unused) { $1 }.merging(fixed) { $1 })
    }

    private static func normalization(_ own: [String: JSONValue], fixed: [String: JSONValue]) -> KerasDefaults {
        let optional: [String: JSONValue] = [
            "axis": .integer(-1), "epsilon": .number(0.001), "center": .bool(true), "scale": .bool(true),
        ]
        let initializers = ["beta_initializer": initializer("Zeros"), "gamma_initializer": initializer("Ones")]
        let unused = nulls("beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint")
        return KerasDefaults(
            optional.merging(own) { $1 }, fixed: initializers.merging(unused) { $1 }.merging(fixed) { $1 })
    }

    private static func initializer(_ className: String, _ config: [String: JSONValue] = [:]) -> JSONValue {
        .object([
            "module": .string("keras.initializers"), "class_name": .string(className), "config": .object(config),
            "registered_name": .null,
        ])
    }

    private static func nulls(_ names: String...) -> [String: JSONValue] {
        Dictionary(uniqueKeysWithValues: names.map { ($0, JSONValue.null) })
    }
}
