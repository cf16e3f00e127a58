"""Texts that only inform come at once: they load no large library and leave the standard error empty."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from emoview.cli.main import app
from emoview.training.systems.catalog import SYSTEMS

# Of what requirements.lock brings, the packages that take long to import or print while they are.
HEAVY = (
    "cv2", "h5py", "keras", "librosa", "matplotlib", "mediapipe", "numpy", "onnxruntime", "opensmile",
    "pandas", "pyarrow", "scipy", "sklearn", "tensorflow",
)  # fmt: skip

# All in one process, which says after which text a library was there first.
_ASK = f"""
import json, sys
from typer.testing import CliRunner
from emoview.cli.main import app

for words in json.loads(sys.argv[1]):
    done = CliRunner().invoke(app, words)
    loaded = [name for name in {HEAVY} if name in sys.modules]
    assert not loaded, (words, loaded)
    assert done.exit_code == 0, (words, done.output)
    assert done.output.strip(), words
"""


def test_help_loads_nothing_heavy_and_prints_no_error():
    commands = [str(command.name) for command in app.registered_commands]
    assert "train" in commands
    helps = [[name, "--help"] for name in commands] + [["train", name, "--help"] for name in SYSTEMS]
    asked = json.dumps([["--help"], ["--version"], *helps])
    done = subprocess.run(
        [sys.executable, "-c", _ASK, asked], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_list_of_systems_loads_nothing_heavy(tmp_path: Path):
    # It is printed past the standard output that Python knows, so it runs as a user runs it.
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('LOADED', [m for m in {HEAVY} if m in sys.modules], file=saved))\n"
        "saved = open(sys.argv.pop(1), 'w')\n"
        "from emoview.cli.main import app\napp()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "loaded", "train", "--list"],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in SYSTEMS)
    assert (tmp_path / "loaded").read_text() == "LOADED []\n"


def test_completion_of_systems_loads_nothing_heavy():
    code = (
        "import sys; from emoview.cli.complete import systems_like; print(systems_like('shallow'), "
        f"[m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['shallow-deep'] []\n"
    assert done.stderr == ""
