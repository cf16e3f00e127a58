"""A machine that gives little, and what becomes of the standard files."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from emoview.cli.console import said_of_system
from emoview.output.json import to_json
from tests.made_up import made_up


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ImportError("libx.so: failed to map segment from shared object"), "emoview doctor"),
        (SystemError("initialization of _internal failed"), "emoview doctor"),
        (OSError("libsndfile.so: cannot open shared object file"), "emoview doctor"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "emoview doctor"),
        (MemoryError(), "ulimit -v"),
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "ulimit -u"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"), "TMPDIR"),
        (PermissionError(errno.EACCES, "Permission denied", "/srv/x"), "/srv/x cannot be used"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left"),
    ],
)  # fmt: skip
def test_what_the_machine_lacks_is_said_in_a_sentence(error: OSError, said: str):
    message = said_of_system(error)
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_closed_standard_files(tmp_path: Path, closed: str):
    stored = tmp_path / "talk.json"
    stored.write_text(to_json(made_up()))
    command = f'"{sys.executable}" -m emoview export "{stored}" -o "{tmp_path}/talk.csv" {closed}'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "talk.csv").read_text().startswith("tick,")


def test_brackets_in_names_are_no_markup(tmp_path: Path):
    stored = tmp_path / "[bold]talk[red].json"
    stored.write_text(to_json(made_up()))
    done = subprocess.run(
        [sys.executable, "-m", "emoview", "export", stored, "-o", tmp_path / "out[x]", "--format", "csv"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "[bold]talk[red].csv" in done.stderr
