"""Tests tools/examples with the real daemon. Skips an example whose programs are missing."""

import os
import shutil
import socket
import subprocess
import time
import unittest

from running import PROGRAMS, ROOT, Daemon

from sluice import Subscriber

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
                # The message is retained. It therefore does not matter which program is first. -C 1 ends after one
                # message.
                subprocess.run([EXAMPLES / "mqtt", "meters/#", "-p", port, "-C", "1", "--", "--control", daemon.control],
                               env=environment, check=True, capture_output=True, timeout=60)
                decision = subscriber.next()
            finally:
                broker.terminate()
                broker.wait()
        self.assertEqual((decision.stream, decision.sequence), ("meters/hall-7", 1))


if __name__ == "__main__":
    unittest.main()
