"""A daemon and a feed of timesteps for the check of the live page."""

import contextlib
import csv
import json
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "Tests/Fixtures/reference"
EVIL = "<img src=x onerror=alert(1)>"
CONFIGURATION = f"""\
models:
  power: {{file: {REFERENCE}/model2.keras, prefixes: [""], threshold: {{rise: 0.6, fall: 0.4}}}}
  letters: {{file: {REFERENCE}/model4.keras, prefixes: ["read-"], mode: stateful}}
"""


class Failed(Exception):
    """A requirement that the page does not meet."""


def expect(condition, *said):
    if not condition:
        raise Failed(" ".join(str(part) for part in said))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """A daemon that can be killed and started again with the same state, endpoints and address."""

    def __init__(self, programs, work):
        self.programs, self.work = programs, work
        self.control, self.port, self.process = f"ipc://{work}/control", free_port(), None
        self.address = f"http://127.0.0.1:{self.port}"
        (work / "sluice.yaml").write_text(CONFIGURATION)

    def start(self, *options):
        arguments = [
            f"{self.programs}/sluiced", "--config", self.work / "sluice.yaml", "--state-dir", self.work / "state",
            "--ingest", f"ipc://{self.work}/ingest", "--decisions", f"ipc://{self.work}/decisions",
            "--control", self.control, "--http", f"127.0.0.1:{self.port}", *options]
        with open(self.work / "log", "wb") as log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log)
        while b"ready:" not in (said := (self.work / "log").read_bytes()):
            expect(self.process.poll() is None, "sluiced does not start:", said.decode())
            time.sleep(0.02)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def sluice(self, command, *arguments, **options):
        """Run the tool and return its output."""
        return self.sluice_alone(command, *arguments, "--control", self.control, **options)

    def sluice_alone(self, command, *arguments, **options):
        """Run a command of the tool that needs no daemon, and return its output."""
        run = subprocess.run(
            [f"{self.programs}/sluice", command, *arguments], text=True, capture_output=True, check=False, **options)
        expect(run.returncode == 0, "sluice", command, "fails:", run.stderr)
        return run.stdout

    def stream(self, name):
        return json.loads(self.sluice("stream", "--json", name))

    def call(self, method, **headers):
        """Call a control method as the page does, and return the status of the answer."""
        body = json.dumps({"method": method, "params": {"stream": EVIL}}).encode()
        headers = {"Content-Type": "application/json", "Origin": self.address} | headers
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{self.address}/api/call", body, headers)) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


class Feed:
    """A `sluice pipe` that gets a few timesteps per second. Each stream gets the values of real days, one after another."""

    def __init__(self, daemon, streams, letters=(), rate=10):
        self.rows = {name: values for name, values in zip(streams, days(len(streams)))}
        self.rows |= {name: random.Random(name).choices(range(4), k=997) for name in letters}
        self.pipe = subprocess.Popen(
            [f"{daemon.programs}/sluice", "pipe", "--format", "csv", "--control", daemon.control],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
        self.pipe.stdin.write("stream,value\n")
        self.rate, self.is_stopped = rate, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        step = 0
        with contextlib.suppress(BrokenPipeError):
            while not self.is_stopped.wait(1 / self.rate):
                for name, values in self.rows.items():
                    self.pipe.stdin.write(f'"{name}",{values[step % len(values)]}\n')
                self.pipe.stdin.flush()
                step += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_stopped.set()
        self.thread.join()
        with contextlib.suppress(BrokenPipeError):
            self.pipe.stdin.close()
        self.pipe.wait(timeout=60)


def days(count):
    """Return the values of consecutive days, beginning on a different day for each of the streams."""
    with open(REFERENCE / "power_test.csv", newline="") as file:
        values = [float(row["x0"]) for row in csv.DictReader(file)]
    return [values[start:] + values[:start] for start in range(0, 24 * 31 * count, 24 * 31)]
