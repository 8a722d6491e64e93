"""Functions shared by the scripts that write Tests/Fixtures/keras: sequences, files of answers, and checks of answers.

Needs only NumPy, and runs on Python 3.7, the last version that stand-alone Keras 2 supports.
"""

import csv
import pathlib
import zlib

import numpy

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "keras"
SEQUENCES = FOLDER / "sequences"

# The sequences of a fixture. A 0 is a timestep that a model with a mask skips. There are zeros at the beginning, in the
# middle and at the end, and a sequence of only zeros.
PATTERNS = ["1", "00", "110", "0111", "10110", "0110100", "11001011", "101100010111"]


def sequences(random, features, tokens, mask_value, shortest=1, longest=None):
    """Return an array per pattern: shape (n, features), or (n,) int32 for tokens. Without a mask value, nothing is masked.

    A pattern is repeated until it has `shortest` timesteps, and ends after `longest`.
    """
    arrays = []
    for pattern in PATTERNS:
        pattern = (pattern * shortest)[:max(shortest, len(pattern))][:longest]
        left_out = numpy.array([letter == "0" for letter in pattern]) & (mask_value is not None)
        if tokens:
            array = random.integers(1, tokens, size=len(pattern)).astype("int32")
            array[left_out] = 0
        else:
            array = random.normal(size=(len(pattern), features)).astype("float32")
            if mask_value is not None and features > 1:
                array[0, 0] = mask_value  # One of several features alone does not mask a timestep.
            array[left_out] = mask_value
        arrays.append(array)
    return arrays


def write_sequences(path, inputs, answers):
    """Write rows `stream,step,x0…,y0…`. y is empty without an answer, and nan where Keras divides by zero timesteps."""
    outputs = next(len(y) for stream in answers for y in stream if y is not None)
    features = 1 if inputs[0].ndim == 1 else inputs[0].shape[1]
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["stream", "step"] + [f"x{k}" for k in range(features)] + [f"y{k}" for k in range(outputs)])
        for stream, (xs, ys) in enumerate(zip(inputs, answers), start=1):
            for step, (x, y) in enumerate(zip(xs.reshape(len(xs), -1), ys), start=1):
                values = [""] * outputs if y is None else [f"{value:.9g}" for value in y]
                writer.writerow([f"s{stream}", step] + [f"{value:.9g}" for value in x] + values)


def sequence_answers(answer, inputs, causal, every=None):
    """Return the answers to each sequence: after each timestep if the model is causal, else after the last.

    If a model that is not causal answers each timestep of a whole sequence, `every` returns all of its answers.
    """
    answers = []
    for xs in inputs:
        if every and not causal:
            answers.append(list(every(xs)))
            continue
        ends = range(1, len(xs) + 1) if causal else [len(xs)]
        found = {end: answer(xs[:end]) for end in ends}
        answers.append([found.get(step) for step in range(1, len(xs) + 1)])
    return answers


def check(name, outputs):
    """Fail if the numeric answers would not reveal a mistake."""
    outputs = outputs[numpy.isfinite(outputs).all(axis=1)]
    assert numpy.ptp(outputs, axis=0).min() > 0.03, f"{name}: an output hardly moves, so it would test nothing"
    assert numpy.abs(outputs).max() < 5, f"{name}: answers are too large to be compared to 1e-5"
    print(f"{name}: answers from {outputs.min():.3g} to {outputs.max():.3g}")


def check_every_weight_matters(name, model, inputs, answer):
    """Fail if no answer changes by 1e-4 when a weight is zeroed, its halves are swapped, or its columns are rotated."""
    weights = model.get_weights()
    some = [inputs[2], inputs[4], inputs[-1]]
    before = [answer(xs) for xs in some]
    for index, weight in enumerate(weights):
        if weight.dtype.kind != "f":
            continue
        columns = weight.shape[-1] if weight.ndim else 1
        disturbed = {"zero": numpy.zeros_like(weight)}
        if columns > 1:
            disturbed["halves"] = numpy.roll(weight, columns // 2, axis=-1)
            disturbed["columns"] = numpy.roll(weight, 1, axis=-1)
        if weight.ndim >= 2 and weight.shape[0] > 1:
            disturbed["rows"] = weight[::-1]
        if weight.ndim == 3 and weight.shape[1] > 1:
            disturbed["rows of each tap"] = weight[:, ::-1]
        for what, other in disturbed.items():
            model.set_weights(weights[:index] + [other] + weights[index + 1:])
            # The comparison is negated, so that NaN from a diverging state counts as a change too.
            moves = any(not numpy.abs(answer(xs) - y).max() <= 1e-4 for xs, y in zip(some, before))
            assert moves, f"{name}: no answer moves when weight {index}, {weight.shape}, is disturbed ({what})"
    model.set_weights(weights)


def write_lively(name, build, features, tokens=None, mask_value=None, causal=True, shortest=1, longest=None,
                 every=None):
    """Write a model's answers to whole sequences, from the first seed with which every weight matters.

    `build` takes a random generator and returns a model with random weights, and a function that answers one sequence.
    `every` takes a model and returns a function that answers each timestep of a sequence. Sequences have at least `shortest`
    and at most `longest` timesteps. Returns the model.
    """
    first = zlib.crc32(name.encode())
    for seed in range(first, first + 20):
        random = numpy.random.default_rng(seed)
        model, answer = build(random)
        inputs = sequences(random, features, tokens, mask_value, shortest, longest)
        every_answer = every and every(model)
        answers = sequence_answers(answer, inputs, causal, every_answer)
        given = numpy.stack([y for stream in answers for y in stream if y is not None])
        try:
            assert mask_value is not None or numpy.isfinite(given).all(), f"{name}: a state runs away"
            check(name, given)
            check_every_weight_matters(name, model, inputs, every_answer or answer)
        except AssertionError as error:
            print(f"seed {seed}: {error}", flush=True)
            continue
        write_sequences(SEQUENCES / f"{name}.csv", inputs, answers)
        return model
    raise SystemExit(f"{name}: no seed gives a model whose weights all matter")
