"""The peers of tools/bench/training: Keras on TensorFlow, Keras on JAX, and PyTorch, each in its own process.

A request is a line of JSON on standard input. The first request of a row names the files. The peer then tries each form of
training and keeps the fastest. Each request `round` trains some epochs in that form. The answers go to standard output.

A form is a function that trains for one epoch and returns the mean loss.
"""

import csv
import json
import math
import os
import sys
import time

BACKEND = sys.argv[1]

import keras  # noqa: E402
import numpy as np  # noqa: E402

# Keep standard output for the answers. Libraries write to it too, so redirect them to standard error.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

COMPARED_EPOCHS = 3
ROUND_SECONDS = 0.3


def read_batches(path, batch, chunk):
    """Return the batches of a file as pairs of x and y. For a stateful model, the batches are the chunks of one stream."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    if "sequence" in rows[0]:
        x = np.array([[" ACGT".index(letter) for letter in row["sequence"]] for row in rows], "int32")
        y = np.array([[float(row["label"])] for row in rows], "float32")
    else:
        sequences = {}
        for row in rows:
            sequences.setdefault(row["stream"], []).append((float(row["x0"]), float(row["label"])))
        both = np.array(list(sequences.values()), "float32")
        x, y = both[:, :, :1], both[:, -1, 1:]
    if chunk:
        y = np.repeat(y, x.shape[1] // chunk, axis=0)
        x = x.reshape(-1, chunk, 1)
    return [(x[k:k + batch], y[k:k + batch]) for k in range(0, len(x), batch)]


def load(request, **options):
    """Return the model in the file. If it is stateful, return a copy that takes chunks of the requested length.

    The options are for the recurrent layer of a stateful model, such as unroll=True."""
    model = keras.models.load_model(request["model"])
    if not request["chunk"]:
        return model
    recurrent, dense = model.layers
    layers = [type(recurrent).from_config(dict(recurrent.get_config(), **options)),
              type(dense).from_config(dense.get_config())]
    copy = keras.Sequential([keras.Input(batch_shape=(1, request["chunk"], 1)), *layers])
    copy.set_weights(model.get_weights())
    copy.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return copy


def mean_loss(y, answers):
    return keras.ops.mean(keras.losses.binary_crossentropy(y, answers))


def train_on_batch(request, batches):
    model = load(request)
    return lambda: float(np.mean([model.train_on_batch(x, y, return_dict=True)["loss"] for x, y in batches]))


def tensorflow_step(jit, **options):
    def form(request, batches):
        import tensorflow as tf
        model = load(request, **options)
        model.optimizer.build(model.trainable_variables)
        batches = [(tf.constant(x), tf.constant(y)) for x, y in batches]

        @tf.function(jit_compile=jit)
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = mean_loss(y, model(x, training=True))
            model.optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            return loss

        return lambda: float(np.mean([step(x, y) for x, y in batches]))
    return form


def with_state(model, chunk):
    """Return a model that also takes and returns h and c, because Keras on JAX does not carry a stateful model's state."""
    recurrent, dense = model.layers
    x, h, c = keras.Input((chunk, 1)), keras.Input((recurrent.units,)), keras.Input((recurrent.units,))
    config = dict(recurrent.get_config(), return_state=True, stateful=False)
    y, *state = type(recurrent).from_config(config)(x, initial_state=[h, c])
    carried = keras.Model([x, h, c], [type(dense).from_config(dense.get_config())(y), *state])
    carried.set_weights(model.get_weights())
    carried.compile("adam")
    return carried


def jax_step(**options):
    def form(request, batches):
        import jax
        model = load(request, **options)
        state = []
        if request["chunk"]:
            model = with_state(model, request["chunk"])
            state = [np.zeros((1, shape[1]), "float32") for shape in model.output_shape[1:]]
        optimizer = model.optimizer
        optimizer.build(model.trainable_variables)
        batches = [(jax.device_put(x), jax.device_put(y)) for x, y in batches]

        def loss(trained, others, state, x, y):
            answers, others = model.stateless_call(trained, others, [x, *state] if state else x, training=True)
            answers, *state = answers if state else [answers]
            return mean_loss(y, answers), (others, state)

        def step(variables, state, x, y):
            trained, others, optimized = variables
            (value, (others, state)), gradients = jax.value_and_grad(loss, has_aux=True)(trained, others, state, x, y)
            trained, optimized = optimizer.stateless_apply(optimized, gradients, trained)
            return (trained, others, optimized), state, value

        step = jax.jit(step, donate_argnums=(0, 1))
        held = [variable.value for variable in model.trainable_variables], [
            variable.value for variable in model.non_trainable_variables], [variable.value for variable in optimizer.variables]

        def epoch():
            nonlocal held, state
            losses = []
            for x, y in batches:
                held, state, value = step(held, state, x, y)
                losses.append(value)
            return float(np.mean(losses))
        return epoch
    return form


def torch_network(model):
    """Return a PyTorch network that has the weights of a Keras model, and whose outputs are logits and the state."""
    import torch
    from torch import nn

    def parameter(values):
        return nn.Parameter(torch.tensor(np.ascontiguousarray(values)))

    def linear(weights):
        layer = nn.Linear(*weights[0].shape)
        layer.weight, layer.bias = parameter(weights[0].T), parameter(weights[1])
        return layer

    def lstm(weights):
        layer = nn.LSTM(weights[0].shape[0], weights[1].shape[0], batch_first=True, bidirectional=len(weights) == 6)
        for k, suffix in enumerate(["", "_reverse"][:len(weights) // 3]):
            kernel, recurrent, bias = weights[3 * k:3 * k + 3]
            setattr(layer, f"weight_ih_l0{suffix}", parameter(kernel.T))
            setattr(layer, f"weight_hh_l0{suffix}", parameter(recurrent.T))
            setattr(layer, f"bias_ih_l0{suffix}", parameter(bias))
            # PyTorch adds two biases where Keras adds one, so set the second to zero.
            frozen = nn.Parameter(torch.zeros(len(bias)), requires_grad=False)
            setattr(layer, f"bias_hh_l0{suffix}", frozen)
        layer.flatten_parameters()
        return layer

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            *before, recurrent, dense = [layer.get_weights() for layer in model.layers]
            self.first = nn.Identity()
            if before:
                weights = before[0]
                self.first = linear(weights) if len(weights) == 2 else nn.Embedding.from_pretrained(
                    torch.tensor(weights[0]), freeze=False)
            self.recurrent, self.last = lstm(recurrent), linear(dense)

        def forward(self, x, state=None):
            _, (h, c) = self.recurrent(self.first(x), state)
            return self.last(h.transpose(0, 1).flatten(1)), (h.detach(), c.detach())

    return Network()


def torch_step(**options):
    def form(request, batches):
        import torch
        torch.set_num_threads(1)
        network = torch_network(keras.models.load_model(request["model"]))
        network.train()
        optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-3, eps=1e-7, **options)
        batches = [(torch.tensor(x), torch.tensor(y)) for x, y in batches]
        state = None

        def epoch():
            nonlocal state
            losses = []
            for x, y in batches:
                logits, after = network(x, state)
                if request["chunk"]:
                    state = after
                loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.detach())
            return float(torch.stack(losses).mean())
        return epoch
    return form


def forms(request):
    """Return the forms of this back end by name.

    A loop over the timesteps is unrolled only for single sequences. For batches, it would be slower and take minutes to compile."""
    if BACKEND == "tensorflow":
        named = {"train_on_batch": train_on_batch, "tf.function": tensorflow_step(False),
                 "tf.function, XLA": tensorflow_step(True)}
        if request["chunk"]:
            named["tf.function, XLA, unrolled"] = tensorflow_step(True, unroll=True)
        return named
    if BACKEND == "jax":
        # On JAX, Keras' own train_on_batch does not carry state, so it is only for models without state.
        other = {"jax.jit, unrolled": jax_step(unroll=True)} if request["chunk"] else {"train_on_batch": train_on_batch}
        return {"jax.jit": jax_step(), **other}
    return {"nn.LSTM, Adam": torch_step(), "nn.LSTM, fused Adam": torch_step(fused=True)}


def seconds_of(epoch, epochs):
    start = time.perf_counter()
    for _ in range(epochs):
        epoch()
    return (time.perf_counter() - start) / epochs


def prepare(request):
    """Try each form, and return the fastest one's seconds per epoch, name, losses and function."""
    batches = read_batches(request["data"], request["batch"], request["chunk"])
    tried = []
    for name, form in forms(request).items():
        keras.backend.clear_session()
        epoch = form(request, batches)
        losses = [epoch() for _ in range(COMPARED_EPOCHS)]
        epochs = max(1, math.ceil(ROUND_SECONDS / seconds_of(epoch, 1)))
        tried.append((seconds_of(epoch, epochs), name, losses, epoch))
        print(f"{BACKEND}, {name}: {tried[-1][0] * 1e6 / len(batches):.0f} µs a batch", file=sys.stderr)
    return min(tried, key=lambda one: one[0])


def main():
    epoch, epochs = None, 1
    for line in sys.stdin:
        request = json.loads(line)
        if request.get("round"):
            answer = {"seconds": seconds_of(epoch, epochs)}
        else:
            seconds, name, losses, epoch = prepare(request)
            epochs = max(1, math.ceil(ROUND_SECONDS / seconds))
            answer = {"form": name, "losses": losses}
        print(json.dumps(answer), file=ANSWERS, flush=True)


main()
