"""The program that is started imports the command that is named, and no other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Make
from typer.main import get_command

from emoview.cli.commands import EVERY, app_with
from emoview.cli.main import app

_LOADED = """
import json, sys
from emoview.cli.start import main
try:
    main()
finally:
    print(json.dumps(sorted(name for name in sys.modules if name.startswith("emoview.cli."))))
"""


def _started(*words: str) -> tuple[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *words], capture_output=True, text=True, timeout=120, check=False
    )
    *said, loaded = done.stdout.splitlines()
    return "\n".join(said) + done.stderr, json.loads(loaded)


def test_only_the_named_command_is_imported():
    said, loaded = _started("analyze", "--help")
    assert "emoview analyze [OPTIONS]" in said
    assert "emoview.cli.analyze" in loaded
    assert not {"emoview.cli.train", "emoview.cli.study", "emoview.cli.live"} & set(loaded)


@pytest.mark.parametrize("words", [(), ("--help",), ("analyse", "x.mp4")])
def test_without_a_known_name_all_commands_are_there(words: tuple[str, ...]):
    said, loaded = _started(*words)
    assert {"emoview.cli.train", "emoview.cli.study", "emoview.cli.live"} <= set(loaded)
    assert "analyze" in said


@pytest.mark.parametrize("name", EVERY)
def test_a_command_alone_is_the_same_as_among_all(name: str):
    alone: Any = get_command(app_with([name]))
    among: Any = get_command(app)
    assert list(alone.commands) == [name]
    one, other = alone.commands[name], among.commands[name]
    assert type(one) is type(other)
    assert one.help == other.help
    assert [(p.name, p.opts, p.default) for p in one.params] == [
        (p.name, p.opts, p.default) for p in other.params
    ]


def _ran(program: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, timeout=120, check=False, **more
    )


def test_leaving_writes_what_waits_and_runs_what_is_registered(tmp_path: Path):
    program = """
import atexit, sys
from emoview.cli import start
sys.argv[1:] = ["--version"]
atexit.register(lambda: print("registered before"))
try:
    start.main()
finally:
    atexit.register(lambda: print("registered later"))
    print("waits in the buffer", end="")
"""
    with (tmp_path / "said").open("w") as out:
        done = _ran(program, stdout=out)
    assert done.returncode == 0
    said = (tmp_path / "said").read_text()
    # What was registered before the program started has no turn any more.
    assert said.startswith("emoview ")
    assert said.endswith("waits in the bufferregistered later\n")


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_a_full_disk_is_told_in_one_line(argument: str):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("w") as out:
        done = subprocess.run(
            [sys.executable, "-m", "emoview", argument], stdout=out, stderr=subprocess.PIPE, text=True,
            timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("given", "then"), [(None, "1"), ("3", "3")])
def test_products_take_one_thread_unless_the_environment_says_more(given: str | None, then: str):
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    if given is not None:
        environment["OPENBLAS_NUM_THREADS"] = given
    program = """
import os, sys
from emoview.cli import start
sys.argv[1:] = ["--version"]
try:
    start.main()
finally:
    print(os.environ["OPENBLAS_NUM_THREADS"])
"""
    assert _ran(program, stdout=subprocess.PIPE, env=environment).stdout.split()[-1] == then


@pytest.mark.parametrize("ending", ["wav", "MP3"])
def test_sound_alone_is_analysed_without_what_looks_at_pictures(ending: str, made: Make, tmp_path: Path):
    clip = made(f"voice.{ending}", "-vn", seconds=8.0)
    # The program ends before anything could look at what is loaded, and is silent while it analyses.
    program = """
import sys
noted = open(sys.argv.pop(1), "w")
def note(event, given):
    if event == "import":
        print(given[0], file=noted, flush=True)
sys.addaudithook(note)
from emoview.cli.start import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "noted", "analyze", clip, "-o", tmp_path],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert "speech in 66%" in done.stdout, done.stderr
    imported = (tmp_path / "noted").read_text().splitlines()
    assert "onnxruntime" in imported
    assert not {"cv2", "mediapipe"} & set(imported)
