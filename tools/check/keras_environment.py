"""An environment with Keras for one run of a check."""

import os
import subprocess
import sys
import tempfile
import venv

IS_INSIDE = "SLUICE_KERAS_ENVIRONMENT"
KERAS = "keras==3.15.1"


def enter(backend, *requirements):
    """Restart this script in a temporary environment with Keras and the requirements."""
    if IS_INSIDE in os.environ:
        return
    with tempfile.TemporaryDirectory(prefix="sluice-keras-") as folder:
        venv.create(folder, with_pip=True)
        python = f"{folder}/bin/python"
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", KERAS, *requirements], check=True)
        environment = dict(os.environ, KERAS_BACKEND=backend, JAX_PLATFORMS="cpu", **{IS_INSIDE: folder})
        sys.exit(subprocess.run([python, *sys.argv], env=environment).returncode)
