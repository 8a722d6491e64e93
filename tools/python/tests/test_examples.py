"""Tests tools/examples with the real daemon. Skips an example whose programs are missing."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import numpy
import zmq
from running import PROGRAMS, REFERENCE, ROOT, Daemon

from sluice import Producer, Subscriber

EXAMPLES = ROOT / "tools/examples"


def needs(*programs):
    """Skip a test if programs are missing, and name them."""
    missing = [program for program in programs if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)}")


class TheExamples(unittest.TestCase):
    @needs("cc")
    def test_the_c_client_prints_the_decisions_that_a_python_subscriber_receives(self):
        with Daemon() as daemon, Subscriber("c", decisions=daemon.decisions) as subscriber:
            client = f"{daemon.folder.name}/client"
            subprocess.run(["cc", "-Wall", "-Werror", EXAMPLES / "client.c", "-lzmq", "-o", client], check=True)
            printed = subprocess.run([client, daemon.ingest, daemon.decisions, "c", "0.5", "-1.25", "0.75"],
                                     check=True, capture_output=True, text=True, timeout=30).stdout
            decisions = [subscriber.next() for _ in range(3)]
        self.assertEqual(printed.splitlines(), [
            f"c {decision.sequence} {decision.probabilities[0]:.6f} {decision.label}" for decision in decisions])

    @needs("mosquitto", "mosquitto_sub", "mosquitto_pub")
    def test_values_from_mqtt_are_decided(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        with Daemon() as daemon, Subscriber("meters/", decisions=daemon.decisions, timeout=20) as subscriber:
            path = f"{PROGRAMS}:{os.environ['PATH']}:/usr/sbin"
            environment = {**os.environ, "PATH": path}
            broker = subprocess.Popen(["mosquitto", "-p", port], env=environment, stderr=subprocess.DEVNULL)
            try:
                publish = ["mosquitto_pub", "-p", port, "-t", "meters/hall-7", "-r", "-m"]
                while subprocess.run([*publish, "0.5"], stderr=subprocess.DEVNULL).returncode != 0:
                    self.assertIsNone(broker.poll(), "the broker ended")
                    time.sleep(0.05)
                # The message is retained, so the order in which the programs start does not matter. -C 1 ends the
                # subscriber after one message.
                subprocess.run([EXAMPLES / "mqtt", "meters/#", "-p", port, "-C", "1", "--", "--control", daemon.control],
                               env=environment, check=True, capture_output=True, timeout=60)
                decision = subscriber.next()
            finally:
                broker.terminate()
                broker.wait()
        self.assertEqual((decision.stream, decision.sequence), ("meters/hall-7", 1))


class TheProtocolPage(unittest.TestCase):
    def test_its_example_reads_decisions_on_many_streams(self):
        page = (ROOT / "Sources/Wire/Wire.docc/Protocol.md").read_text()
        section = page.split("### Decisions on many streams in one message\n")[1]
        example = section.split("```python\n")[1].split("```")[0]
        with tempfile.TemporaryDirectory() as folder:
            batches = f"ipc://{folder}/b"
            with Daemon(REFERENCE / "model2.keras", "--decisions", f"batch:{batches}") as daemon, \
                    Subscriber(decisions=daemon.decisions) as subscriber, zmq.Context() as context, \
                    context.socket(zmq.SUB) as batch_socket, Producer(ingest=daemon.ingest) as producer:
                batch_socket.linger, batch_socket.rcvtimeo = 0, 30_000
                batch_socket.connect(batches)
                batch_socket.subscribe(b"!sluice/batch/")
                batch_socket.subscribe(b"!sluice/subscribed/page")
                batch_socket.recv_multipart()
                producer.send("a", [0.5, -1.25])
                producer.send("meter-7", [0.75])
                expected = {(decision.stream, decision.sequence): decision.probabilities
                            for decision in (subscriber.next() for _ in range(3))}
                found = {}
                while len(found) < len(expected):
                    names = {"socket": batch_socket, "numpy": numpy}
                    exec(example, names)
                    for stream, decision in zip(names["streams"], names["decisions"]):
                        found[stream.decode(), int(decision["sequence"])] = tuple(decision["probabilities"])
        self.assertEqual(names["topic"], b"!sluice/batch/model2")
        self.assertEqual(found, {key: tuple(value) for key, value in expected.items()})


if __name__ == "__main__":
    unittest.main()
