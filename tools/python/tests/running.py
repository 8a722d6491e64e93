"""Daemons and programs for the tests."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
# `swift build` creates the debug programs. SLUICE_PROGRAMS can name another folder.
PROGRAMS = pathlib.Path(os.environ.get("SLUICE_PROGRAMS", ROOT / ".build/debug"))
REFERENCE = ROOT / "Tests/Fixtures/reference"
sys.path.insert(0, str(ROOT / "tools/python"))


class Daemon:
    """A real `sluiced` on Unix sockets in its own folder."""

    def __init__(self, model=REFERENCE / "model2.keras", *options):
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-python.")
        self.ingest, self.decisions, self.control = (f"ipc://{self.folder.name}/{role}" for role in "idc")
        # A repeated --ingest adds an endpoint.
        self.pull = f"ipc://{self.folder.name}/pull"
        # Endpoints with the codec `batch`.
        self.batch = f"ipc://{self.folder.name}/batch"
        self.batches = f"ipc://{self.folder.name}/batches"
        self.log_path = pathlib.Path(self.folder.name, "log")
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(
                [PROGRAMS / "sluiced", model, "--ingest", self.ingest, "--ingest", f"pull:{self.pull}", "--ingest",
                 f"batch:pull:{self.batch}", "--decisions", self.decisions,
                 "--decisions", f"batch:{self.batches}", "--control", self.control, "--http", "off", *options], stderr=log)
        self.wait_for_line("ready: ")

    @property
    def log(self):
        return self.log_path.read_text()

    def wait_for_line(self, text):
        deadline = time.monotonic() + 30
        while text not in self.log:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the daemon did not log '{text}': {self.log}")
            time.sleep(0.005)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.folder.cleanup()


def sluice(*arguments, **options):
    """Run the tool and return its result."""
    return subprocess.run([PROGRAMS / "sluice", *arguments], capture_output=True, text=True, timeout=60, **options)
