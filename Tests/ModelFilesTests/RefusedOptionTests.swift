import ModelFiles
import TestSupport
import Testing

/// Tests the options in a model's configuration. Options that would change an answer are refused. The others are
/// ignored.
@Suite struct `A refused option` {
    /// A string in the configuration of `keras/stacked.h5`, its replacement, and the expected outcome.
    struct Case: CustomTestStringConvertible, Sendable {
        let old: String
        let new: String
        let code: ModelFileError.Code
        let layer: String?
        let context: String

        var testDescription: String { new }
    }

    static let policy =
        #"{"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}"#

    static let supportedLayers =
        "InputLayer, LSTM, GRU, SimpleRNN, Bidirectional, Dense, TimeDistributed, Embedding, Masking, Conv1D, "
        + "MaxPooling1D, AveragePooling1D, ZeroPadding1D, Cropping1D, UpSampling1D, GlobalAveragePooling1D, "
        + "GlobalMaxPooling1D, RepeatVector, Flatten, Reshape, Activation, ReLU, LeakyReLU, PReLU, ELU, Softmax, "
        + "Rescaling, Normalization, LayerNormalization, BatchNormalization, Dropout, SpatialDropout1D, GaussianNoise, "
        + "GaussianDropout, AlphaDropout, ActivityRegularization, Concatenate, Add, Subtract, Multiply, Average, "
        + "Maximum, Minimum, Dot, Attention, AdditiveAttention"

    /// The activations that apply to single values. A cell supports only these.
    static let supportedActivations =
        "linear, sigmoid, tanh, relu, relu6, leaky_relu, hard_sigmoid, softsign, softplus, elu, selu, gelu, silu, "
        + "exponential, swish"

    static let cases = [
        Case(
            old: #""return_state": false"#, new: #""return_state": true"#, code: .unsupported, layer: "LSTM1",
            context: "layer 'LSTM1' (LSTM): return_state=True in a Sequential model is not supported; supported: False"),
        Case(
            old: #""go_backwards": false"#, new: #""time_major": true"#, code: .unsupported, layer: "LSTM1",
            context: "layer 'LSTM1' (LSTM): time_major=True is not supported; supported: False"),
        Case(
            old: #""activation": "tanh""#, new: #""activation": "mish""#, code: .unsupported, layer: "LSTM1",
            context: "layer 'LSTM1' (LSTM): activation='mish' is not supported; "
                + "supported: \(supportedActivations), softmax"),
        Case(
            old: #""recurrent_activation": "sigmoid""#, new: #""recurrent_activation": "softmax""#,
            code: .unsupported, layer: "LSTM1",
            context: "layer 'LSTM1' (LSTM): recurrent_activation='softmax' is not supported; "
                + "supported: \(supportedActivations)"),
        Case(
            old: #""activation": "tanh", "recurrent_activation": "sigmoid""#,
            new: #""activation": {"class_name": "PReLU", "config": {}}"#,
            code: .unsupported, layer: "LSTM1",
            context: "layer 'LSTM1' (LSTM): activation=PReLU is not supported, because its slopes are weights; "
                + "supported: a PReLU layer of its own"),
        Case(
            old: #""activation": "tanh", "recurrent_activation": "sigmoid""#,
            new: #""activation":{"class_name":"ELU","config":{"alpha":2}}"#,
            code: .unsupported, layer: "LSTM1",
            context:
                "layer 'LSTM1' (LSTM): activation=ELU with these options is not supported; supported: alpha=1, or a "
                + "layer of its own"),
        Case(
            old: #""activation": "tanh", "recurrent_activation": "sigmoid""#,
            new: #""activation":{"class_name":"GLU","config":{}}"#,
            code: .unsupported, layer: "LSTM1",
            context: "layer 'LSTM1' (LSTM): activation='GLU' is not supported; supported: \(supportedActivations), "
                + "softmax, and the layers ReLU, LeakyReLU, ELU, Softmax, Activation"),
        Case(
            old: #""recurrent_activation": "sigmoid""#, new: #""recurrent_activation": {}"#, code: .unsupported,
            layer: "LSTM1",
            context: "layer 'LSTM1' (LSTM): recurrent_activation is not a named function; "
                + "supported: \(supportedActivations), softmax"),
        Case(
            old: policy, new: #"{"class_name": "DTypePolicy", "config": {"name": "float16"}}"#,
            code: .unsupported, layer: "LSTM1",
            context: "layer 'LSTM1' (LSTM): dtype 'float16' is not supported; supported: float32, float64, "
                + "mixed_float16, mixed_bfloat16"),
        Case(
            old: #""dtype": "float32", "sparse": false"#, new: #""dtype": "float16", "sparse": false"#,
            code: .unsupported, layer: "INPUT",
            context:
                "layer 'INPUT' (InputLayer): dtype 'float16' is not supported, because Keras rounds the values to it; "
                + "supported: float32, float64, int16, int32, int64, int8, uint16, uint32, uint8"),
        Case(
            old: #""class_name": "LSTM", "config""#, new: #""class_name":"Lambda","config""#, code: .unsupported,
            layer: "LSTM1",
            context:
                "layer 'LSTM1' (Lambda) is not supported, because it runs Python code; put a layer of Keras in its "
                + "place, such as Rescaling, Activation or Dense"),
        Case(
            old: #""go_backwards": false"#, new: #""x": -Infinity"#, code: .unsupported, layer: nil,
            context:
                "model_config: x=Infinity is not supported, because JSON has no such number; save the model with a "
                + "finite number in its place"),
        Case(
            old: #""sparse": false"#, new: #""sparse": true"#, code: .unsupported, layer: "INPUT",
            context: "layer 'INPUT' (InputLayer): sparse=True is not supported; supported: False"),
        Case(
            old: #""return_sequences": true"#, new: #""return_sequences": 0"#, code: .corrupt, layer: nil,
            context: "model_config: a value is not of the type Bool, at config.layers.[1].config.return_sequences"),
        Case(
            old: #""return_sequences": true,"#, new: #""return_sequences":false,"#, code: .unsupported,
            layer: "LSTM2",
            context: "layer 'LSTM2' (LSTM): needs (batch, timesteps, features) but gets (1, 10); "
                + "supported: as first layer, or after a layer with return_sequences=True"),
        Case(
            old: #""batch_shape": [1, 1, 3]"#, new: #""batch_shape": [1, 3]"#, code: .unsupported, layer: "LSTM1",
            context: "layer 'LSTM1' (LSTM): needs (batch, timesteps, features) but gets (1, 3); "
                + "supported: as first layer, or after a layer with return_sequences=True"),
        Case(
            old: #""batch_shape": [1, 1, 3]"#, new: #""batch_shape": [1, 1, 2]"#, code: .corrupt, layer: nil,
            context: "the input shape is (1, 1, 2), but the weights need 3 features"),
        Case(
            old: #""class_name": "Sequential""#, new: #""class_name": "Subclassed""#, code: .unsupported, layer: nil,
            context: "models of the class 'Subclassed' are not supported; supported: Sequential and Functional"),
        Case(
            old: #""class_name": "LSTM""#, new: #""class_name": "RNN""#, code: .unsupported, layer: "LSTM1",
            context: "layer 'LSTM1' (RNN) is not supported; supported layers: \(supportedLayers)"),
        Case(
            old: #""class_name": "LSTM""#, new: #""class_name": "GRU""#, code: .corrupt, layer: "LSTM1",
            context: "layer 'LSTM1' (GRU): kernel has the shape [3, 40], expected [3, 30]"),
        Case(
            old: #""units": 10"#, new: #""units": 0"#, code: .unsupported, layer: "LSTM1",
            context: "layer 'LSTM1' (LSTM): 0 units are not supported; supported: 1 to 1048576"),
        Case(
            old: #""units": 10"#, new: #""units": 9"#, code: .corrupt, layer: "LSTM1",
            context: "layer 'LSTM1' (LSTM): kernel has the shape [3, 40], expected [3, 36]"),
        Case(
            old: #""units": 10, "#, new: "", code: .corrupt, layer: nil,
            context: "model_config: 'units' is missing, at config.layers.[1].config"),
        Case(
            old: #""use_bias": true"#, new: #""use_bias":false"#, code: .corrupt, layer: "LSTM1",
            context: #"layer 'LSTM1' (LSTM): 'model_weights/LSTM1' has the weights "#
                + #"["kernel", "recurrent_kernel", "bias"], but the layer's options need "#
                + #"["kernel", "recurrent_kernel"]"#),
    ]

    @Test(arguments: cases)
    func `an option that would change an answer is refused, and the error names the layer`(refusal: Case) throws {
        var file = try PatchedFile("keras/stacked.h5")
        let names = try file.layerNames()
        #expect(file.replace(refusal.old, with: refusal.new) > 0)
        let error = try #require(throws: ModelFileError.self) { try file.read() }
        let withNames = { (text: String) in
            text.replacing("LSTM1", with: names[1]).replacing("LSTM2", with: names[2])
                .replacing("INPUT", with: names[0])
        }
        #expect(error.code == refusal.code)
        #expect(error.layer == refusal.layer.map(withNames))
        #expect(error.context == withNames(refusal.context))
        #expect(error.description == "\(error.path): \(error.context)")
    }

    /// A fixture, a string in its configuration, the string's replacement, and the end of the error's context.
    static let otherCases: [(fixture: String, old: String, new: String, context: String)] = [
        (
            "tokens", #""input_dim": 7"#, #""input_dim": 0"#,
            "input_dim=0 is not supported; supported: 1 to 16777216"
        ),
        (
            "tokens", #""batch_shape": [1, 1]"#, #""batch_shape":[1,1,1]"#,
            "is given (1, 1, 1); supported: (batch, timesteps) of one token each"
        ),
        (
            "tokens", #""dtype": "float32", "sparse": false"#, #""dtype": "bool", "sparse": false"#,
            "(InputLayer): dtype 'bool' is not supported; "
                + "supported: float32, float64, int16, int32, int64, int8, uint16, uint32, uint8"
        ),
        (
            "time_distributed", #""class_name": "Dense""#, #""class_name": "GRU""#,
            "TimeDistributed of the layer 'GRU' is not supported; supported: Dense, Activation, ReLU, LeakyReLU, "
                + "PReLU, ELU, Softmax, Rescaling, Normalization, LayerNormalization, BatchNormalization, Flatten, "
                + "Reshape, Dropout, GaussianNoise, GaussianDropout, AlphaDropout, ActivityRegularization"
        ),
        (
            "simple_rnn", #""activation": "softsign""#, #""activation": "softmax""#,
            "activation='softmax' is not supported; supported: \(supportedActivations)"
        ),
        (
            "normalizations", #""axis": [-1], "epsilon""#, #""axis": [1], "epsilon""#,
            "axis=[1] of (1, 1, 3) is not supported; supported: the last axis, -1"
        ),
        (
            "normalizations", #""rms_scaling": false"#, #""rms_scaling": true"#,
            "rms_scaling=True is not supported; supported: False"
        ),
        ("normalizations", #""renorm": false"#, #""renorm": true"#, "renorm=True is not supported; supported: False"),
        (
            "normalization_options", #""scale": [0.5, 1.5, 0.8]"#, #""scale": [0.5, 1.5]"#,
            "scale with 2 numbers is not supported; supported: 1, or one for each of the 3 features"
        ),
        (
            "rectifiers", #""axis": -1"#, #""axis": 0"#,
            "axis=[0] of (1, 3) is not supported; supported: the last axis, -1"
        ),
        (
            "normalizations", #""batch_shape": [1, 1, 3]"#, #""batch_shape":[1,1,null]"#,
            "is given (1, 1, None); supported: (batch, timesteps, features) with 1 to 65536 features"
        ),
    ]

    @Test(arguments: otherCases)
    func `an option that the engine does not compute is refused`(
        fixture: String, old: String, new: String, context: String
    ) throws {
        var file = try PatchedFile("keras/\(fixture).h5")
        #expect(file.replace(old, with: new) > 0)
        let error = try #require(throws: ModelFileError.self) { try file.read() }
        #expect(error.code == .unsupported)
        #expect(error.layer != nil)
        #expect(error.context.hasSuffix(context), "\(error.context)")
    }

    @Test(arguments: ["int32", "int64", "uint8"])
    func `tokens may be declared as whole numbers`(type: String) throws {
        let unchanged = try PatchedFile("keras/tokens.h5")
        var file = unchanged
        let old = #""dtype": "float32", "sparse": false"#
        #expect(file.replace(old, with: old.replacing("float32", with: type)) == 1)
        #expect(try file.read().fingerprint == unchanged.read().fingerprint)
    }

    @Test func `a model with only one stateful layer is refused`() throws {
        var file = try PatchedFile("keras/stacked.h5")
        let names = try file.layerNames()
        // This string occurs only in the second LSTM, which does not return sequences.
        let old = #""return_sequences": false, "return_state": false, "go_backwards": false, "stateful": true"#
        #expect(file.replace(old, with: old.replacing(": true", with: ":false")) == 1)
        let error = try #require(throws: ModelFileError.self) { try file.read() }
        #expect(error.code == .unsupported)
        #expect(error.layer == names[2])
    }

    @Test(arguments: [
        (#""unroll": false"#, #""unroll": true"#), (#""dropout": 0.0"#, #""dropout": 0.5"#),
        (#""recurrent_dropout": 0.0"#, #""recurrent_dropout": 0.5"#),
        (#""zero_output_for_mask": false"#, #""zero_output_for_mask": true"#), (#""activation": "tanh""#, ""),
        (
            #""activation": "tanh", "recurrent_activation": "sigmoid""#,
            #""activation": {"class_name":"function","config":"tanh"}"#
        ),
        (policy, #""float32""#), (#""batch_shape": [1, 1, 3]"#, #""batch_shape": null"#),
        (#""registered_name": null"#, #""registered_name": 7"#),
        (#""sparse": false, "ragged": false, "#, ""),
    ])
    func `an option that does not change an answer does not change the fingerprint`(old: String, new: String) throws {
        let unchanged = try PatchedFile("keras/stacked.h5")
        var file = unchanged
        // Also remove the comma after the option.
        let removed = new.isEmpty && !old.hasSuffix(", ") ? old + ", " : old
        #expect(file.replace(removed, with: new) > 0)
        #expect(try file.read().fingerprint == unchanged.read().fingerprint)
    }

    @Test func `neither the model's name nor statefulness is part of the fingerprint`() throws {
        let unchanged = try PatchedFile("keras/stacked.h5")
        var file = unchanged
        #expect(file.replace(#""stateful": true"#, with: #""stateful":false"#) == 2)
        #expect(file.replace(#"{"name": "stacked""#, with: #"{"name": "renamed""#) == 1)
        #expect(try file.read().isStateful == false)
        #expect(try file.read().name == "renamed")
        #expect(try file.read().fingerprint == unchanged.read().fingerprint)
    }

    @Test func `weights of another layer are refused`() throws {
        let unchanged = try PatchedFile("keras/stacked.keras")
        var file = unchanged
        let name = try unchanged.layerNames()[1]
        file.changeEntry("config.json") { config in
            #expect(config.replace(#""name": "\#(name)""#, with: #""name": "other""#) == 1)
        }
        let error = try #require(throws: ModelFileError.self) { try file.read() }
        #expect(error.code == .corrupt)
        #expect(error.context == "layer 'other' (LSTM): 'layers/lstm' has the weights of another layer, '\(name)'")
    }

    @Test func `a weight that is not finite is refused, and the error names the layer`() throws {
        var file = try PatchedFile("keras/smallest.h5")
        let weight = try #require(try file.read().model.layers.first?.weights.first?.values.first)
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: weight.bitPattern >> (8 * $0)) }
        let place = try #require(file.bytes.indices.first { file.bytes[$0...].starts(with: bytes) })
        file.bytes.replaceSubrange(place..<place + 4, with: [0, 0, 0xC0, 0x7F])
        let error = try #require(throws: ModelFileError.self) { try file.read() }
        #expect(error.code == .corrupt)
        #expect(error.context.hasSuffix("(LSTM): kernel holds a NaN or an infinity"))
    }
}

extension PatchedFile {
    /// Returns the names of the layers in the order of the configuration, beginning with the InputLayer. Tests cannot
    /// hard-code the names, because the numbers in them depend on the process that generated the fixture.
    func layerNames() throws -> [String] {
        let text = String(decoding: bytes, as: UTF8.self)
        let input = try #require(text.firstMatch(of: /"name": "(input_layer[_0-9]*)"/)).output.1
        return [String(input)] + (try read().layers.map(\.name))
    }
}
