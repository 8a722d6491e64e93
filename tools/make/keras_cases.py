"""The models of Tests/Fixtures/keras as data: layers as (class, first argument or none, options), without weights.

A model begins with its number of features, or with None if the first layer is an Embedding, whose input is tokens. The
first argument of a wrapper is the inner layer in the same form.
"""

from keras.layers import (
    ELU, GRU, LSTM, Activation, ActivityRegularization, AlphaDropout, AveragePooling1D, BatchNormalization, Bidirectional,
    Conv1D, Cropping1D, Dense, Dropout, Embedding, Flatten, GaussianDropout, GaussianNoise, GlobalAveragePooling1D,
    GlobalMaxPooling1D, LayerNormalization, LeakyReLU, Masking, MaxPooling1D, Normalization, PReLU, ReLU, RepeatVector,
    Rescaling, Reshape, SimpleRNN, Softmax, SpatialDropout1D, TimeDistributed, UpSampling1D, ZeroPadding1D)

SEQUENCES = {"return_sequences": True}
BACKWARDS = {"go_backwards": True}

# Models for streams. Each recurrent layer becomes stateful, and the model answers after each timestep.
STREAMS = {
    "smallest": (1, [(LSTM, 1, {})]),
    "odd_units": (3, [(LSTM, 17, {}), (Dense, 2, {"activation": "tanh"})]),
    "stacked": (3, [
        (LSTM, 10, {"return_sequences": True}), (LSTM, 4, {}), (Dense, 1, {"activation": "sigmoid"})]),
    "three_deep": (1, [
        (LSTM, 4, {"return_sequences": True}), (LSTM, 10, {"return_sequences": True}), (LSTM, 1, {})]),
    "sequences_to_the_end": (1, [(LSTM, 10, {"return_sequences": True}), (Dense, 5, {"activation": "linear"})]),
    "dense_stack": (5, [
        (LSTM, 10, {}), (Dense, 17, {"activation": "relu"}), (Dense, 4, {"activation": "tanh"}),
        (Dense, 3, {"activation": "sigmoid"})]),
    "dense_first": (3, [
        (Dense, 4, {"activation": "tanh"}), (LSTM, 10, {}), (Dense, 1, {"activation": "linear"})]),
    "no_bias": (3, [(LSTM, 10, {"use_bias": False}), (Dense, 1, {"use_bias": False})]),
    "relu_cell": (3, [
        (LSTM, 4, {"activation": "relu"}), (Dense, 10, {"activation": "relu"}), (Dense, 1, {})]),
    "gru": (3, [
        (GRU, 5, {**SEQUENCES, "reset_after": True}), (GRU, 4, {"reset_after": False}),
        (Dense, 3, {"activation": "softmax"})]),
    "gru_no_bias": (2, [
        (GRU, 4, {**SEQUENCES, "reset_after": True, "use_bias": False}),
        (GRU, 3, {"reset_after": False, "use_bias": False}), (Dense, 1, {})]),
    "gru_other_gates": (3, [
        (GRU, 4, {**SEQUENCES, "activation": "softsign", "recurrent_activation": "hard_sigmoid", "dropout": 0.3}),
        (GRU, 3, {"reset_after": False, "activation": "silu", "recurrent_activation": "hard_sigmoid",
                  "recurrent_dropout": 0.2}), (Dense, 2, {"activation": "softplus"})]),
    "simple_rnn": (3, [
        (SimpleRNN, 5, {**SEQUENCES, "dropout": 0.3, "recurrent_dropout": 0.2}),
        (SimpleRNN, 4, {**SEQUENCES, "use_bias": False, "activation": "softsign"}),
        (SimpleRNN, 3, {"activation": "hard_sigmoid"}), (Dense, 2, {"activation": "selu"})]),
    "lstm_other_gates": (2, [
        (LSTM, 4, {**SEQUENCES, "activation": "gelu", "recurrent_activation": "hard_sigmoid"}),
        (LSTM, 4, {"activation": "silu", "recurrent_activation": "softsign", "dropout": 0.5}),
        (Dense, 2, {"activation": "elu"})]),
    "tokens": (None, [(Embedding, (7, 4), {}), (LSTM, 5, {}), (Dense, 3, {"activation": "softmax"})]),
    "tokens_masked_steps": (None, [
        (Embedding, (4, 3), {"mask_zero": True}), (LSTM, 5, SEQUENCES), (GRU, 4, {}), (Dense, 2, {"activation": "tanh"})]),
    "tokens_many": (None, [
        (Embedding, (300, 3), {}), (SpatialDropout1D, 0.2, {}), (GRU, 4, {}),
        (Dense, 1, {"activation": "sigmoid"})]),
    "time_distributed": (2, [
        (TimeDistributed, (Dense, 4, {"activation": "tanh"}), {}), (SimpleRNN, 4, SEQUENCES),
        (TimeDistributed, (Dense, 3, {"activation": "softmax", "use_bias": False}), {}), (LSTM, 3, SEQUENCES),
        (Dense, 2, {"activation": "sigmoid"})]),
    "dense_activations": (3, [
        (Dense, 6, {"activation": "gelu"}), (Dense, 6, {"activation": "elu"}), (Dense, 6, {"activation": "softplus"}),
        (SimpleRNN, 4, {"activation": "silu"}), (Dense, 4, {"activation": "hard_sigmoid"}),
        (Dense, 3, {"activation": "exponential"})]),
    "activation_layers": (3, [
        (Dense, 6, {}), (Activation, "selu", {}), (Dense, 6, {}), (Activation, "swish", {}), (SimpleRNN, 4, {}),
        (Activation, "exponential", {}), (Dense, 4, {}), (Activation, "softsign", {}), (Dense, 3, {}),
        (Activation, "softmax", {})]),
    "rectifiers": (3, [
        (Dense, 6, {}), (LeakyReLU, None, {"negative_slope": 0.1}), (Dense, 6, {}),
        (ReLU, None, {"max_value": 1.5, "negative_slope": 0.2, "threshold": 0.3}), (Dense, 6, {}),
        (ELU, None, {"alpha": 0.7}), (GRU, 4, {}), (Dense, 4, {}), (ReLU, None, {}), (Dense, 3, {}),
        (Softmax, None, {})]),
    "at_threshold": (3, [
        (LSTM, 6, {}), (ReLU, None, {}), (Rescaling, 2.0, {"offset": 0.3}),
        (ReLU, None, {"threshold": 0.3, "negative_slope": 0.2}), (Dense, 2, {})]),
    "normalizations": (3, [
        (Normalization, None, {}), (LayerNormalization, None, {}), (Rescaling, None, {"scale": 0.5, "offset": -0.1}),
        (LSTM, 4, SEQUENCES), (BatchNormalization, None, {}), (LayerNormalization, None, {"center": False}),
        (GRU, 4, {}), (BatchNormalization, None, {"scale": False, "epsilon": 0.05}), (Dense, 3, {}),
        (LayerNormalization, None, {"scale": False, "epsilon": 0.1})]),
    "normalization_options": (3, [
        (Normalization, None, {"mean": [0.5, -0.5, 0.2], "variance": [0.5, 2.0, 1.5]}),
        (Rescaling, None, {"scale": [0.5, 1.5, 0.8], "offset": [0.1, -0.2, 0.3]}),
        (BatchNormalization, None, {"center": False}), (SimpleRNN, 5, {}),
        (BatchNormalization, None, {"center": False, "scale": False}),
        (LayerNormalization, None, {"center": False, "scale": False}), (Dense, 2, {}),
        (Normalization, None, {"mean": [0.5, -0.5], "variance": [0.3, 2.0], "invert": True}),
        (Normalization, None, {"mean": 0.5, "variance": 1.5})]),
    "normalization_of_all": (3, [
        (Normalization, None, {"axis": None}), (LSTM, 4, SEQUENCES),
        (Normalization, None, {"axis": None, "mean": 0.2, "variance": 0.5}), (GRU, 3, {}),
        (Normalization, None, {"axis": None, "mean": 0.1, "variance": 0.6, "invert": True}),
        (Dense, 2, {"activation": "tanh"})]),
    "convolution_of_one_timestep": (3, [
        (Conv1D, (6, 1), {"activation": "relu"}), (LSTM, 4, SEQUENCES),
        (Conv1D, (4, 1), {"use_bias": False, "groups": 2, "padding": "same"}), (GRU, 3, {}),
        (Dense, 2, {"activation": "tanh"})]),
    "time_distributed_layers": (3, [
        (TimeDistributed, (Normalization, None, {"mean": [0.3, -0.2, 0.1], "variance": [0.5, 1.5, 0.8]}), {}),
        (TimeDistributed, (Dense, 5, {}), {}), (TimeDistributed, (BatchNormalization, None, {}), {}),
        (TimeDistributed, (LeakyReLU, None, {"negative_slope": 0.1}), {}), (TimeDistributed, (Dropout, 0.3, {}), {}),
        (LSTM, 4, SEQUENCES), (TimeDistributed, (LayerNormalization, None, {}), {}),
        (TimeDistributed, (Rescaling, 0.7, {"offset": 0.2}), {}), (TimeDistributed, (Flatten, None, {}), {}),
        (TimeDistributed, (PReLU, None, {}), {}), (TimeDistributed, (Activation, "softsign", {}), {}), (GRU, 3, SEQUENCES),
        (TimeDistributed, (Dense, 3, {}), {}), (TimeDistributed, (Softmax, None, {}), {})]),
    "training_only": (3, [
        (Dropout, 0.5, {}), (GaussianNoise, 0.3, {}), (LSTM, 4, SEQUENCES), (SpatialDropout1D, 0.4, {}),
        (GaussianDropout, 0.4, {}), (LSTM, 4, {}), (AlphaDropout, 0.3, {}), (ActivityRegularization, 0.1, {}),
        (Dense, 2, {"activation": "tanh"})]),
    "other_gates": (1, [
        (LSTM, 4, {"activation": "sigmoid", "recurrent_activation": "tanh", "return_sequences": True}),
        (LSTM, 4, {"activation": "linear", "recurrent_activation": "sigmoid"}), (Dense, 1, {})]),
}

AVERAGE, MAXIMUM = (GlobalAveragePooling1D, None, {}), (GlobalMaxPooling1D, None, {})
MASK = (Masking, None, {})

# Models for whole sequences, whose recurrent layers start each sequence from zero.
WHOLE = {
    "two_ways_lstm": (3, [(Bidirectional, (LSTM, 4, {}), {}), (Dense, 2, {"activation": "sigmoid"})]),
    "two_ways_gru_ave": (3, [
        (Bidirectional, (GRU, 4, {"reset_after": True}), {"merge_mode": "ave"}), (Dense, 2, {"activation": "tanh"})]),
    "two_ways_rnn_mul": (3, [
        (Bidirectional, (SimpleRNN, 4, {}), {"merge_mode": "mul"}), (Dense, 2, {"activation": "tanh"})]),
    "two_ways_lstm_sum_average": (3, [
        (Bidirectional, (LSTM, 4, SEQUENCES), {"merge_mode": "sum"}), AVERAGE, (Dense, 2, {"activation": "tanh"})]),
    "two_ways_rnn_maximum": (3, [
        (Bidirectional, (SimpleRNN, 3, SEQUENCES), {}), MAXIMUM, (Dense, 2, {"activation": "tanh"})]),
    "two_ways_gru_mul_lstm": (3, [
        (Bidirectional, (GRU, 4, {**SEQUENCES, "reset_after": False}), {"merge_mode": "mul"}), (LSTM, 3, {}),
        (Dense, 2, {"activation": "softmax"})]),
    "two_ways_stacked": (3, [
        (Bidirectional, (LSTM, 4, SEQUENCES), {"merge_mode": "ave"}),
        (Bidirectional, (GRU, 3, SEQUENCES), {"merge_mode": "sum"}), (Dropout, 0.3, {}),
        (Bidirectional, (LSTM, 2, {}), {"merge_mode": "concat"}), (Dense, 3, {"activation": "softmax"})]),
    "two_ways_other_backward": (3, [
        (Bidirectional, (LSTM, 4, SEQUENCES), {
            "backward_layer": (GRU, 4, {**SEQUENCES, **BACKWARDS, "activation": "softsign", "use_bias": False})}),
        (Bidirectional, (SimpleRNN, 3, {}), {
            "merge_mode": "mul", "backward_layer": (LSTM, 3, {**BACKWARDS, "recurrent_activation": "hard_sigmoid"})}),
        (Dense, 2, {"activation": "tanh"})]),
    "two_ways_turned": (3, [
        (Bidirectional, (GRU, 4, {**SEQUENCES, **BACKWARDS}), {
            "merge_mode": "sum", "backward_layer": (SimpleRNN, 4, SEQUENCES)}),
        (Bidirectional, (LSTM, 3, BACKWARDS), {"backward_layer": (LSTM, 3, {})}), (Dense, 2, {"activation": "tanh"})]),
    "two_ways_options": (2, [
        (Dense, 4, {"activation": "gelu"}),
        (Bidirectional, (LSTM, 3, {**SEQUENCES, "use_bias": False, "activation": "softsign", "dropout": 0.2}), {}),
        (LayerNormalization, None, {}), (TimeDistributed, (Dense, 4, {"activation": "silu"}), {}),
        (Bidirectional, (GRU, 3, {"reset_after": False, "recurrent_activation": "hard_sigmoid"}), {"merge_mode": "sum"}),
        (Dense, 1, {"activation": "sigmoid"})]),
    "backwards_lstm": (3, [(LSTM, 5, BACKWARDS), (Dense, 2, {"activation": "sigmoid"})]),
    "backwards_gru": (3, [
        (GRU, 4, {**SEQUENCES, **BACKWARDS}), (GRU, 3, {**BACKWARDS, "reset_after": False}),
        (Dense, 2, {"activation": "tanh"})]),
    "backwards_rnn": (3, [
        (SimpleRNN, 4, {**SEQUENCES, **BACKWARDS}), (LSTM, 3, {}), (Dense, 2, {"activation": "tanh"})]),
    "backwards_average": (3, [
        (LSTM, 4, {**SEQUENCES, **BACKWARDS}), (SimpleRNN, 3, SEQUENCES), AVERAGE, (Dense, 2, {"activation": "tanh"})]),
    "average": (3, [(LSTM, 4, SEQUENCES), AVERAGE, (Dense, 2, {"activation": "sigmoid"})]),
    "maximum": (3, [(GRU, 4, SEQUENCES), MAXIMUM, (Dense, 2, {"activation": "sigmoid"})]),
    "average_of_dense": (3, [(Dense, 5, {"activation": "relu"}), AVERAGE, (Dense, 3, {"activation": "softmax"})]),
    "maximum_of_dense": (3, [(Dense, 5, {"activation": "softplus"}), MAXIMUM, (Dense, 2, {"activation": "tanh"})]),
    "reshaped": (3, [
        (Reshape, ((-1, 3),), {}), (LSTM, 4, {}), (Reshape, ((4,),), {}), (Flatten, None, {}), (Dense, 4, {"activation": "tanh"}),
        (Reshape, ((-1,),), {}), (Dense, 2, {})]),
    "masked_lstm": (3, [MASK, (LSTM, 4, SEQUENCES), (LSTM, 3, {}), (Dense, 2, {"activation": "sigmoid"})]),
    "masked_gru": (3, [
        MASK, (GRU, 4, SEQUENCES), (GRU, 3, {"reset_after": False}), (Dense, 2, {"activation": "tanh"})]),
    "masked_rnn": (3, [MASK, (SimpleRNN, 4, SEQUENCES), (SimpleRNN, 3, {}), (Dense, 2, {"activation": "tanh"})]),
    "masked_value": (2, [
        (Masking, None, {"mask_value": -1.5}), (Dense, 4, {"activation": "tanh"}), (LSTM, 3, {}), (Dense, 2, {})]),
    "masked_one_feature": (1, [(Masking, None, {"mask_value": 0.1}), (LSTM, 4, {}), (Dense, 1, {"activation": "sigmoid"})]),
    "masked_through": (3, [
        MASK, (Dense, 5, {}), (TimeDistributed, (Dense, 4, {"activation": "tanh"}), {}), (Activation, "softsign", {}),
        (LayerNormalization, None, {}), (Dropout, 0.3, {}), (BatchNormalization, None, {}), (LSTM, 4, {}),
        (Dense, 2, {"activation": "tanh"})]),
    "masked_through_more": (3, [
        MASK, (Normalization, None, {"mean": [0.3, -0.2, 0.1], "variance": [0.5, 1.5, 0.8]}),
        (Rescaling, 0.7, {"offset": 0.2}), (Dense, 5, {}), (LeakyReLU, None, {}), (GaussianNoise, 0.2, {}), (Dense, 5, {}),
        (ReLU, None, {"negative_slope": 0.2}), (SpatialDropout1D, 0.2, {}), (Dense, 4, {}), (ELU, None, {}),
        (AlphaDropout, 0.2, {}), (GaussianDropout, 0.2, {}), (ActivityRegularization, 0.1, {}),
        (Activation, "linear", {}), (GRU, 4, {}), (Dense, 3, {}), (Softmax, None, {})]),
    "masked_twice": (2, [
        (Masking, None, {"mask_value": 5}), MASK, (LSTM, 3, SEQUENCES), (Dense, 2, {"activation": "tanh"})]),
    "masked_late": (3, [
        (Dense, 4, {"activation": "relu"}), MASK, (LSTM, 4, {}), (Dense, 2, {"activation": "tanh"})]),
    "masked_reshaped": (3, [MASK, (Reshape, ((-1, 3),), {}), (LSTM, 4, {}), (Dense, 2, {"activation": "tanh"})]),
    "masked_to_the_end": (3, [MASK, (GRU, 4, SEQUENCES), (Dense, 2, {"activation": "tanh"})]),
    "masked_average": (3, [MASK, (Dense, 4, {"activation": "tanh"}), AVERAGE, (Dense, 2, {})]),
    "masked_maximum": (3, [MASK, (Dense, 4, {"activation": "tanh"}), MAXIMUM, (Dense, 2, {})]),
    "masked_lstm_average": (3, [MASK, (LSTM, 4, SEQUENCES), AVERAGE, (Dense, 2, {"activation": "tanh"})]),
    "masked_lstm_maximum": (3, [MASK, (LSTM, 4, SEQUENCES), MAXIMUM, (Dense, 2, {"activation": "tanh"})]),
    "masked_zero_output": (3, [
        MASK, (LSTM, 4, {**SEQUENCES, "zero_output_for_mask": True}), (Dense, 4, {"activation": "tanh"}),
        (GRU, 4, {**SEQUENCES, "zero_output_for_mask": True}), (SimpleRNN, 3, {**SEQUENCES, "zero_output_for_mask": True}),
        MAXIMUM, (Dense, 2, {})]),
    "masked_zero_output_last": (3, [
        MASK, (LSTM, 4, {"zero_output_for_mask": True}), (Dense, 2, {"activation": "tanh"})]),
    "masked_backwards": (3, [
        MASK, (LSTM, 4, {**SEQUENCES, **BACKWARDS}), (GRU, 4, {**SEQUENCES, **BACKWARDS, "zero_output_for_mask": True}),
        (SimpleRNN, 3, BACKWARDS), (Dense, 2, {"activation": "tanh"})]),
    "masked_backwards_average": (3, [
        MASK, (LSTM, 4, {**SEQUENCES, **BACKWARDS}), AVERAGE, (Dense, 2, {"activation": "tanh"})]),
    "masked_two_ways": (3, [MASK, (Bidirectional, (LSTM, 4, {}), {}), (Dense, 2, {"activation": "sigmoid"})]),
    "masked_two_ways_stacked": (3, [
        MASK, (Bidirectional, (LSTM, 3, SEQUENCES), {}), (Dense, 4, {"activation": "tanh"}),
        (Bidirectional, (GRU, 3, SEQUENCES), {"merge_mode": "sum"}),
        (Bidirectional, (SimpleRNN, 3, {}), {"merge_mode": "mul"}), (Dense, 2, {})]),
    "masked_two_ways_ave_average": (3, [
        (Masking, None, {"mask_value": 2.0}), (Bidirectional, (GRU, 4, SEQUENCES), {"merge_mode": "ave"}), AVERAGE,
        (Dense, 2, {"activation": "tanh"})]),
    "masked_two_ways_mul_maximum": (3, [
        MASK, (Bidirectional, (LSTM, 4, SEQUENCES), {"merge_mode": "mul"}), (Dense, 4, {"activation": "tanh"}), MAXIMUM,
        (Dense, 2, {})]),
    "masked_two_ways_turned": (3, [
        MASK, (Bidirectional, (GRU, 3, {**SEQUENCES, **BACKWARDS}), {"backward_layer": (LSTM, 3, SEQUENCES)}),
        (LSTM, 3, {}), (Dense, 2, {"activation": "tanh"})]),
    "tokens_two_ways": (None, [
        (Embedding, (7, 4), {}), (Bidirectional, (LSTM, 3, {}), {}), (Dense, 2, {"activation": "softmax"})]),
    "tagger_two_ways": (3, [
        (Bidirectional, (LSTM, 4, SEQUENCES), {}), (Bidirectional, (GRU, 3, SEQUENCES), {"merge_mode": "sum"}),
        (TimeDistributed, (Dense, 3, {"activation": "softmax"}), {})]),
    "tagger_backwards": (3, [(LSTM, 4, {**SEQUENCES, **BACKWARDS}), (Dense, 2, {"activation": "sigmoid"})]),
    "tagger_tokens": (None, [
        (Embedding, (7, 4), {}), (Bidirectional, (LSTM, 3, SEQUENCES), {}), (Dense, 1, {"activation": "sigmoid"})]),
    "tagger_masked": (3, [
        MASK, (Bidirectional, (LSTM, 3, SEQUENCES), {}), (Dense, 4, {"activation": "tanh"}), (GRU, 3, SEQUENCES),
        (Dense, 2, {"activation": "tanh"})]),
    "tokens_average": (None, [(Embedding, (7, 4), {}), AVERAGE, (Dense, 2, {"activation": "sigmoid"})]),
    "tokens_masked": (None, [
        (Embedding, (7, 4), {"mask_zero": True}), (LSTM, 4, {}), (Dense, 2, {"activation": "sigmoid"})]),
    "tokens_masked_two_ways": (None, [
        (Embedding, (7, 4), {"mask_zero": True}), (Bidirectional, (LSTM, 3, {}), {}), (Dense, 2, {"activation": "softmax"})]),
    "tokens_masked_average": (None, [
        (Embedding, (7, 4), {"mask_zero": True}), AVERAGE, (Dense, 2, {"activation": "tanh"})]),
    "tokens_masked_maximum": (None, [
        (Embedding, (7, 4), {"mask_zero": True}), MAXIMUM, (Dense, 2, {"activation": "tanh"})]),
    "functional": (3, [
        (LSTM, 4, SEQUENCES), (BatchNormalization, None, {}), AVERAGE, (Dense, 2, {"activation": "tanh"})]),
    "functional_masked": (3, [
        MASK, (Dense, 4, {}), (BatchNormalization, None, {}), (TimeDistributed, (Dense, 4, {"activation": "tanh"}), {}),
        (LSTM, 3, SEQUENCES), AVERAGE, (Dense, 2, {"activation": "tanh"})]),
    "functional_tokens": (None, [
        (Embedding, (7, 4), {"mask_zero": True}), (Bidirectional, (GRU, 3, SEQUENCES), {}), (LSTM, 3, BACKWARDS),
        (Dense, 2, {"activation": "softmax"})]),
}

# Each activation in each position: as the function and the gates of an LSTM and of a GRU, in a Dense, and as a layer.
# Softmax is only in the last two, because the engine refuses it in a cell.
IN_CELLS = [
    "sigmoid", "tanh", "relu", "linear", "hard_sigmoid", "softsign", "softplus", "elu", "selu", "gelu", "silu",
    "exponential"]
ACTIVATIONS = [*IN_CELLS, "softmax"]
for index, name in enumerate(ACTIVATIONS):
    function, gate, function_of_gru, gate_of_gru = (IN_CELLS[(index + place) % 12] for place in (0, 1, 3, 5))
    WHOLE[f"activation_{name}"] = (2, [
        (LSTM, 4, {**SEQUENCES, "activation": function, "recurrent_activation": gate}), (LayerNormalization, None, {}),
        (GRU, 4, {**SEQUENCES, "activation": function_of_gru, "recurrent_activation": gate_of_gru}),
        (LayerNormalization, None, {}), (Dense, 4, {"activation": ACTIVATIONS[(index + 7) % 13]}),
        (LayerNormalization, None, {}), (Dense, 4, {}), (Activation, name, {}), (Dense, 2, {"activation": "tanh"})])

# Activations that are given by name or as a layer, in a Dense and in a cell, and activations that are separate layers.
WHOLE["activation_relu6"] = (2, [
    (LSTM, 4, {**SEQUENCES, "activation": "relu6"}), (LayerNormalization, None, {}),
    (GRU, 4, {**SEQUENCES, "recurrent_activation": "relu6", "reset_after": False}), (LayerNormalization, None, {}),
    (Rescaling, 3.0, {"offset": 3.0}), (Dense, 4, {"activation": "relu6"}), (LayerNormalization, None, {}),
    (Dense, 4, {}), (Rescaling, 3.0, {"offset": 3.0}), (Activation, "relu6", {}), (Dense, 2, {"activation": "tanh"})])
WHOLE["activation_leaky_relu"] = (2, [
    (LSTM, 4, {**SEQUENCES, "activation": "leaky_relu"}), (LayerNormalization, None, {}),
    (GRU, 4, {**SEQUENCES, "activation": "leaky_relu"}), (LayerNormalization, None, {}),
    (SimpleRNN, 4, {**SEQUENCES, "activation": "leaky_relu"}), (LayerNormalization, None, {}),
    (Dense, 4, {"activation": "leaky_relu"}), (Dense, 4, {}), (Activation, "leaky_relu", {}),
    (Dense, 2, {"activation": "tanh"})])
WHOLE["activation_given_as_layer"] = (3, [
    (Dense, 5, {"activation": (LeakyReLU, None, {"negative_slope": 0.1})}),
    (LSTM, 4, {**SEQUENCES, "activation": (LeakyReLU, None, {})}), (LayerNormalization, None, {}),
    (TimeDistributed, (Dense, 5, {"activation": (ReLU, None, {"max_value": 6})}), {}),
    (Bidirectional, (GRU, 3, {**SEQUENCES, "activation": (ELU, None, {})}), {}), (LayerNormalization, None, {}),
    (SimpleRNN, 4, {"activation": (ReLU, None, {"negative_slope": 0.4})}),
    (Dense, 4, {"activation": (Activation, "softsign", {})}), (Dense, 2, {"activation": (Softmax, None, {})})])
WHOLE["slopes"] = (3, [
    (Dense, 5, {}), (PReLU, None, {"shared_axes": [1]}), (LSTM, 4, SEQUENCES), (PReLU, None, {"shared_axes": [1, 2]}),
    (GRU, 4, {}), (PReLU, None, {}), (Dense, 2, {"activation": "tanh"})])
WHOLE["masked_slopes"] = (3, [
    MASK, (Dense, 5, {}), (PReLU, None, {"shared_axes": [1]}), (LSTM, 4, {}), (Dense, 2, {"activation": "tanh"})])

# The layers that need a whole sequence, whatever their options.
WHOLE_SEQUENCES = {
    Bidirectional, MaxPooling1D, AveragePooling1D, ZeroPadding1D, Cropping1D, UpSampling1D, RepeatVector}

WHOLE |= {
    "convolution_valid": (3, [
        (Conv1D, (5, 3), {"padding": "valid", "activation": "relu"}), (LSTM, 4, {}), (Dense, 2, {"activation": "sigmoid"})]),
    "convolution_same": (3, [
        (Conv1D, (6, 4), {"padding": "same", "activation": "tanh"}),
        (Conv1D, (2, 3), {"padding": "same", "dilation_rate": 2, "use_bias": False}), (GRU, 3, {}),
        (Dense, 2, {"activation": "tanh"})]),
    "convolution_strided": (3, [
        (Conv1D, (5, 4), {"padding": "same", "strides": 2, "activation": "softmax"}),
        (Conv1D, (20, 3), {"padding": "causal", "strides": 2}),
        (Conv1D, (4, 2), {"padding": "same", "strides": 3, "activation": "elu"}), (LSTM, 3, {}),
        (Dense, 2, {"activation": "tanh"})]),
    "convolution_valid_options": (4, [
        (Conv1D, (6, 2), {"padding": "valid", "dilation_rate": 3, "groups": 2}),
        (Conv1D, (4, 2), {"padding": "valid", "strides": 2}), (SimpleRNN, 3, {}), (Dense, 2, {"activation": "tanh"})]),
    "convolution_causal": (3, [
        (Conv1D, (6, 3), {"padding": "causal", "activation": "relu"}),
        (Conv1D, (4, 2), {"padding": "causal", "dilation_rate": 3, "groups": 2, "use_bias": False}),
        (BatchNormalization, None, {}), (Conv1D, (3, 1), {"activation": "softmax"}), (LSTM, 3, {}),
        (Dense, 2, {"activation": "sigmoid"})]),
    "convolution_causal_two_ways": (3, [
        (Conv1D, (5, 3), {"padding": "causal", "activation": "relu"}), (Bidirectional, (LSTM, 3, {}), {}),
        (Dense, 2, {"activation": "tanh"})]),
    "convolution_tokens": (None, [
        (Embedding, (7, 4), {}), (Conv1D, (5, 3), {"padding": "same", "activation": "relu"}),
        (MaxPooling1D, None, {"pool_size": 2}), (Bidirectional, (GRU, 3, {}), {}), (Dense, 2, {"activation": "softmax"})]),
    "masked_convolution": (3, [
        MASK, (Dense, 4, {"activation": "tanh"}), (Conv1D, (5, 3), {"padding": "same"}), (LSTM, 3, {}), (Dense, 2, {})]),
    "masked_convolution_causal": (3, [
        MASK, (GRU, 4, SEQUENCES), (Conv1D, (5, 3), {"padding": "causal"}), (LSTM, 3, {}), (Dense, 2, {})]),
    "windows_maximum": (3, [
        (Dense, 4, {}), (MaxPooling1D, None, {"pool_size": 3, "strides": 2, "padding": "same"}), (LSTM, 4, SEQUENCES),
        (MaxPooling1D, None, {"pool_size": 2, "strides": 1}), (Dense, 2, {"activation": "tanh"}), MAXIMUM]),
    "windows_average": (3, [
        (AveragePooling1D, None, {"pool_size": 3, "strides": 2, "padding": "same"}), (GRU, 4, SEQUENCES),
        (AveragePooling1D, None, {"pool_size": 2, "strides": 1}), (SimpleRNN, 3, {}), (Dense, 2, {"activation": "tanh"})]),
    "masked_windows": (3, [
        MASK, (MaxPooling1D, None, {"pool_size": 2, "padding": "same"}), (LSTM, 4, {}), (Dense, 2, {"activation": "tanh"})]),
    "padded": (3, [
        (ZeroPadding1D, None, {"padding": (3, 1)}), (Conv1D, (5, 2), {"padding": "valid"}), (UpSampling1D, 3, {}),
        (LSTM, 4, SEQUENCES), (Cropping1D, None, {"cropping": (1, 2)}), (ZeroPadding1D, 1, {}), (Cropping1D, 2, {}),
        (GRU, 3, {}), (Dense, 2, {"activation": "tanh"})]),
    "masked_padded": (3, [
        MASK, (LSTM, 4, SEQUENCES), (ZeroPadding1D, None, {"padding": (1, 2)}), (GRU, 3, {}),
        (Dense, 2, {"activation": "tanh"})]),
    "repeated": (3, [
        (LSTM, 4, {}), (Dense, 4, {"activation": "tanh"}), (RepeatVector, 3, {}), (GRU, 3, {}), (Dense, 2, {})]),
    "masked_repeated": (3, [
        MASK, (GRU, 4, {}), (RepeatVector, 3, {}), (LSTM, 3, SEQUENCES), AVERAGE, (Dense, 2, {"activation": "tanh"})]),
    "tagger_repeated": (3, [
        (LSTM, 4, {}), (RepeatVector, 5, {}), (LSTM, 3, SEQUENCES), (TimeDistributed, (Dense, 3, {}), {})]),
    "tagger_convolution": (3, [
        (Conv1D, (5, 3), {"padding": "same", "activation": "relu"}), (GRU, 3, SEQUENCES),
        (Dense, 2, {"activation": "sigmoid"})]),
    "flattened": (3, [(LSTM, 4, SEQUENCES), (Dropout, 0.2, {}), (Flatten, None, {}), (Dense, 2, {"activation": "tanh"})]),
    "flattened_convolution": (3, [
        (Conv1D, (5, 3), {"padding": "valid", "activation": "relu"}), (MaxPooling1D, None, {"pool_size": 2}), (Flatten, None, {}),
        (Dense, 4, {"activation": "relu"}), (Dense, 2, {"activation": "softmax"})]),
    "masked_flattened": (3, [MASK, (LSTM, 4, SEQUENCES), (Flatten, None, {}), (Dense, 2, {"activation": "tanh"})]),
    "reshaped_sequences": (3, [
        (Reshape, ((3, -1),), {}), (LSTM, 6, {}), (Reshape, ((2, 3),), {}), (GRU, 4, SEQUENCES), (Reshape, ((8,),), {}),
        (Reshape, ((1, 8),), {}), (Conv1D, (6, 1), {}), (Reshape, ((3, 2),), {}), (SimpleRNN, 3, {}), (Dense, 2, {"activation": "tanh"})]),
    "masked_reshaped_sequences": (3, [
        MASK, (Reshape, ((4, 3),), {}), (LSTM, 4, {}), (Dense, 2, {"activation": "tanh"})]),
    "flat_reshaped": (2, [
        (Reshape, ((3, 2),), {}), (LSTM, 4, {}), (Dense, 2, {"activation": "tanh"})]),
    "flat_repeated": (4, [
        (Dense, 4, {"activation": "tanh"}), (RepeatVector, 3, {}), (GRU, 4, {}), (Dense, 2, {"activation": "tanh"})]),
    "functional_convolution": (3, [
        (Conv1D, (5, 3), {"padding": "valid", "activation": "relu"}), (MaxPooling1D, None, {}),
        (LSTM, 4, SEQUENCES), (Flatten, None, {}), (Dense, 2, {"activation": "tanh"})]),
    "masked_time_distributed": (3, [
        MASK, (TimeDistributed, (Dense, 5, {}), {}), (TimeDistributed, (LayerNormalization, None, {}), {}),
        (TimeDistributed, (Activation, "tanh", {}), {}), (TimeDistributed, (Flatten, None, {}), {}),
        (TimeDistributed, (Dropout, 0.3, {}), {}), (LSTM, 3, {}), (Dense, 2, {"activation": "tanh"})]),
}

# The smallest number of timesteps that a model takes, if above 1, and the number of timesteps that a model's Input states.
SHORTEST = {
    "convolution_strided": 25, "convolution_valid": 3, "convolution_valid_options": 5, "convolution_tokens": 2,
    "windows_maximum": 3, "windows_average": 3}
EXACTLY = {
    "tagger_repeated": 5, "flattened": 6, "flattened_convolution": 8, "masked_flattened": 5, "reshaped_sequences": 6,
    "masked_reshaped_sequences": 4, "flat_reshaped": 3, "flat_repeated": 1, "functional_convolution": 9}

# These cases are also written as .h5, because the two formats store them differently. The other cases add only options.
AS_H5 = {
    "two_ways_lstm", "two_ways_stacked", "two_ways_other_backward", "backwards_gru", "reshaped", "masked_value",
    "masked_through_more", "masked_zero_output", "masked_two_ways_stacked", "tokens_masked_two_ways", "functional",
    "functional_masked", "functional_tokens", "activation_given_as_layer", "slopes", "convolution_same", "padded",
    "flattened_convolution", "masked_time_distributed"}
