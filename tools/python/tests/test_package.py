"""Tests the Python package with the real daemon: python3 -m unittest discover tools/python/tests"""

import csv
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy
from running import PROGRAMS, REFERENCE, ROOT, Daemon, sluice

from sluice import BatchSubscriber, Control, ControlError, Decision, Dictionary, Flag, Keys, NoAnswer, Producer, Subscriber


def keras_answers(path):
    """Return the inputs and Keras' answers of a file's only stream."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return (numpy.array([row[column] for row in rows], "float32") for column in ("x0", "probability"))


def first_value(values, stream):
    """Return the first value that the batch test sends to a stream. The id ends with the number of the stream's row."""
    return values[int(stream[-1]), 0]


class ThePackage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = cls.enterClassContext(Daemon())
        cls.subscriber = cls.enterClassContext(Subscriber("a-", decisions=cls.daemon.decisions))
        cls.producer = cls.enterClassContext(Producer(cls.daemon.ingest))
        cls.control = cls.enterClassContext(Control(cls.daemon.control))

    def decided(self, count):
        taken = [self.subscriber.next() for _ in range(count)]
        self.assertNotIn(None, taken)
        return taken

    def test_decisions_on_a_numpy_array_are_those_of_keras(self):
        inputs, answers = keras_answers(REFERENCE / "model2_endless.csv")
        self.producer.send("a-1", inputs, sequence=1)
        decisions = self.decided(len(inputs))
        self.assertEqual([decision.step for decision in decisions], list(range(1, len(inputs) + 1)))
        worst = max(abs(decision.probabilities[0] - answer) for decision, answer in zip(decisions, answers))
        self.assertLessEqual(worst, 1e-5)
        self.assertIsInstance(decisions[0], Decision)
        self.assertIn(Flag.FIRST, decisions[0].flags)

    def test_batches_are_structured_arrays(self):
        self.producer.send("a-2", [[0.1], [0.2], [0.3]])
        stream, records = self.subscriber.next_batch()
        self.assertEqual((stream, records["step"].tolist()), ("a-2", [1, 2, 3]))
        self.assertEqual(records["probabilities"].shape, (3, 1))

    def test_numbers_and_flags_arrive(self):
        self.producer.send("a-3", [0.5], sequence=5, start=True)
        self.producer.send("a-3", [0.5], sequence=6, end=True)
        first, last = self.decided(2)
        self.assertEqual((first.sequence, last.sequence), (5, 6))
        self.assertIn(Flag.GAP, first.flags)
        self.assertIn(Flag.FINAL, last.flags)

    def test_a_pull_endpoint_takes_timesteps(self):
        with Producer(f"pull:{self.daemon.pull}") as producer:
            producer.send("a-4", [0.1, 0.2])
        self.assertEqual([decision.step for decision in self.decided(2)], [1, 2])

    def test_batches_of_many_streams_give_the_same_decisions_as_single_messages(self):
        values = numpy.linspace(-1, 1, 6, dtype="float32").reshape(3, 2)
        alone = [f"a-alone-{number}" for number in range(3)]
        together = [f"a-together-{number}" for number in range(3)]
        for stream, row in zip(alone, values):
            self.producer.send(stream, row)
        expected = self.decided(6)
        dictionary = Dictionary(together)
        with Producer(f"pull:{self.daemon.batch}") as producer:
            producer.send_batch(together, values[:, 0], sequences=[1, 1, 1], flags=[1, 0, 0])
            producer.announce(dictionary)
            producer.send_batch(dictionary, values[:2, 1], numbers=[2, 0])
            producer.send_batch(dictionary, values[1:2, 1], numbers=[1])
        # The values of the streams 2 and 0 were sent in the order of the numbers.
        swapped = {"a-together-2": values[0, 1], "a-together-0": values[1, 1], "a-together-1": values[1, 1]}
        decisions = self.decided(6)
        self.assertEqual([one.stream for one in decisions], [*together, "a-together-2", "a-together-0", "a-together-1"])
        first = {one.stream.replace("alone", "together"): one for one in expected if one.step == 1}
        for one in decisions[:3]:
            self.assertEqual(one.probabilities.tobytes(), first[one.stream].probabilities.tobytes())
        for one in decisions[3:]:
            self.producer.send(one.stream.replace("together", "again"), [first_value(values, one.stream), swapped[one.stream]])
        for one, other in zip(decisions[3:], [self.decided(2)[1] for _ in range(3)]):
            self.assertEqual(one.probabilities.tobytes(), other.probabilities.tobytes())

    def test_decisions_on_a_batch_arrive_as_two_arrays(self):
        streams = [f"a-array-{number}" for number in range(3)]
        with BatchSubscriber(decisions=self.daemon.batches) as subscriber, Producer(f"pull:{self.daemon.batch}") as producer:
            producer.send_batch(streams, [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
            names, records = subscriber.next()
            single = self.decided(6)
            self.assertEqual(names.tolist(), [one.stream.encode() for one in single])
            self.assertEqual(records["step"].tolist(), [1, 2] * 3)
            self.assertEqual(records["probabilities"].tobytes(), b"".join(one.probabilities.tobytes() for one in single))

    def test_a_batch_that_is_not_valid_is_refused_before_it_is_sent(self):
        dictionary = Dictionary(["a", "b"])
        for wrong in (
            lambda: Dictionary(["a", "a"]), lambda: Dictionary([]), lambda: Dictionary(["!a"]),
            lambda: self.producer.send_batch(["a"], [1.0, 2.0]), lambda: self.producer.send_batch([], []),
            lambda: self.producer.send_batch(["a"], [numpy.nan]),
            lambda: self.producer.send_batch(dictionary, [1.0, 2.0], sequences=[1]),
        ):
            with self.assertRaises(ValueError):
                wrong()

    def test_wait_for_returns_when_all_timesteps_are_consumed(self):
        for stream in range(20):
            self.producer.send(f"b-{stream}", [0.1] * 50, sequence=1)
        self.control.wait_for({f"b-{stream}": 50 for stream in range(20)})
        self.assertEqual({one["sequence"] for one in self.control.streams("b-")}, {50})
        with self.assertRaisesRegex(NoAnswer, "'b-3' is at 50 of 51"):
            self.control.wait_for({"b-3": 51}, timeout=0.05)

    def test_history_has_the_last_decisions(self):
        self.producer.send("h-1", [0.3, 0.2], sequence=1)
        self.control.wait_for({"h-1": 2})
        one, = self.control.history(["h-1", "h-2"])
        self.assertEqual(len(one["probabilities"]), 2)
        self.assertAlmostEqual(one["probabilities"][1], self.control.stream("h-1")["probability"], places=6)
        self.assertEqual([found["stream"] for found in self.control.history(recent=9, search="h-")], ["h-1"])
        self.assertEqual(self.control.history(["h-1"], since=one["times"][1])[0]["times"], [])

    def test_state_can_be_reset_saved_restored_and_copied(self):
        self.producer.send("c-1", [0.3, 0.2], sequence=1)
        self.control.wait_for({"c-1": 2})
        before = self.control.stream("c-1")
        self.assertEqual(self.control.snapshot("kept", "c-1")["streams"], 1)
        self.assertEqual([one["name"] for one in self.control.snapshots()], ["kept"])
        self.assertEqual(self.control.reset("c-1"), 1)
        self.assertEqual(self.control.stream("c-1")["step"], 0)
        self.assertEqual(self.control.restore("kept"), 1)
        self.assertEqual(self.control.stream("c-1")["step"], before["step"])
        self.assertEqual(self.control.import_stream(self.control.export_stream("c-1"), "c-2"), "c-2")
        self.assertEqual(self.control.pause(prefix="c-"), 2)
        self.assertEqual(self.control.resume(prefix="c-"), 2)
        self.assertEqual(self.control.remove(prefix="c-"), 2)
        self.control.delete_snapshot("kept")
        self.assertTrue(self.control.reload("model2")["fingerprint"])

    def test_events_come_at_their_place_among_the_decisions(self):
        events = []
        with Subscriber("e-", decisions=self.daemon.decisions, on_event=events.append) as subscriber:
            self.producer.send("e-1", [0.1])
            self.assertIsNotNone(subscriber.next())
            self.control.reset("e-1")
            self.producer.send("e-1", [0.1])
            self.assertEqual(subscriber.next().step, 1)
        self.assertEqual([(event["event"], event["stream"]) for event in events], [("reset", "e-1")])

    def test_a_refused_request_raises_its_code(self):
        with self.assertRaises(ControlError) as caught:
            self.control.stream("nobody")
        self.assertEqual(caught.exception.code, 1001)
        with self.assertRaisesRegex(ValueError, "exactly one of stream, prefix and all"):
            self.control.reset("a", all=True)

    def test_input_that_the_daemon_would_drop_raises_instead(self):
        cases = [("NaN", ("x", [float("nan")])), ("too large for float32", ("x", [1e39])), ("no timestep", ("x", [])),
                 ("0 bytes", ("", [1])), ("300 bytes", ("x" * 300, [1])), ("begins with '!'", ("!x", [1])),
                 ("control character", ("a\nb", [1]))]
        for message, arguments in cases:
            with self.subTest(message), self.assertRaisesRegex(ValueError, message):
                self.producer.send(*arguments)
        with self.assertRaisesRegex(ValueError, "token"):
            self.producer.send_tokens("x", [1.5])
        self.assertEqual(sum(self.control.status()["dropped"].values()), 0)

    def test_an_endpoint_without_a_daemon_is_named(self):
        nowhere = f"ipc://{self.daemon.folder.name}/nowhere"
        for connect in (lambda: Producer(nowhere, timeout=0.05), lambda: Subscriber(decisions=nowhere, timeout=0.05),
                        lambda: Control(nowhere, timeout=0.05).status()):
            with self.assertRaisesRegex(NoAnswer, nowhere):
                connect()
        with self.assertRaisesRegex(ValueError, "no endpoint"):
            Producer("somewhere")

    def test_tokens_are_sent_as_integers(self):
        with Daemon(REFERENCE / "model5.keras") as daemon:
            with Producer(daemon.ingest) as producer, Control(daemon.control) as control, \
                    Subscriber(decisions=daemon.decisions) as subscriber:
                producer.send_tokens("dna", numpy.arange(60) % 4, end=True)
                control.wait_for({"dna": 60})
                self.assertIn(Flag.FINAL, subscriber.next().flags)


class TheKeys(unittest.TestCase):
    def test_an_authorized_client_is_served_and_another_is_not(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("daemon", "alice"):
                self.assertEqual(sluice("keygen", f"{folder}/{name}").returncode, 0)
            for role in ("producers", "subscribers", "controllers"):
                pathlib.Path(folder, "clients", role).mkdir(parents=True)
                shutil.copy(f"{folder}/alice.pub", f"{folder}/clients/{role}")
            with Daemon(REFERENCE / "model2.keras", "--curve-key", f"{folder}/daemon.key", "--authorized-clients",
                        f"{folder}/clients", "--ingest", "tcp://127.0.0.1:*") as daemon:
                endpoint = next(word for word in daemon.log.replace(",", " ").split() if word.startswith("@tcp://"))
                keys = Keys(f"{folder}/daemon.pub", f"{folder}/alice.key")
                with Producer(endpoint, keys=keys) as producer, Control(daemon.control) as control:
                    producer.send("a", [0.1], sequence=1)
                    control.wait_for({"a": 1})
                with self.assertRaises(NoAnswer):
                    Producer(endpoint, timeout=0.2)
            with self.assertRaisesRegex(ValueError, "no secret key"):
                Keys(f"{folder}/daemon.pub", f"{folder}/alice.pub")


class TheInstallation(unittest.TestCase):
    @unittest.skipUnless(shutil.which("flit"), "Debian's package flit is missing: building without the network needs it")
    def test_pip_installs_the_package_from_the_checkout(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps",
                 "--target", folder, ROOT / "tools/python"], check=True)
            script = "import sluice, pathlib; print(pathlib.Path(sluice.__file__).parent, sluice.__version__)"
            found = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": folder},
                                   cwd=folder, check=True, capture_output=True, text=True).stdout.split()
            self.assertEqual(found, [f"{folder}/sluice", "1.0"])
            self.assertTrue(pathlib.Path(folder, "sluice/py.typed").exists())

    @unittest.skipUnless(os.path.exists("/usr/bin/mypy"), "Debian's package mypy is missing")
    def test_the_types_are_complete(self):
        checked = subprocess.run(
            ["/usr/bin/mypy", "--strict", "--cache-dir", os.devnull, "sluice"], cwd=ROOT / "tools/python",
            capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout)


if __name__ == "__main__":
    if not (PROGRAMS / "sluiced").exists():
        sys.exit(f"{PROGRAMS}/sluiced is missing: run swift build")
    unittest.main()
