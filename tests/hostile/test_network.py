"""Nothing is ever sent: whole process trees under a guard that sees native code, too."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from .common import EMOVIEW, SAMPLE, ffmpeg, talk
from .guard import How, Report, guarded
from .seeds import tones

_PYTHON = "import socket; s = socket.socket(); s.settimeout(1); s.connect(('192.0.2.1', 80))"
_UDP = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))"
_LOCAL = (
    "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); "
    "socket.create_connection(s.getsockname())"
)
# Through the C library alone, from a thread of a grandchild.
_NATIVE = (
    "import ctypes, subprocess, sys; code = 'import ctypes, threading; c = ctypes.CDLL(None); "
    "t = threading.Thread(target=lambda: c.connect(c.socket(2, 1, 0), bytes([2, 0, 0, 80, 127, 0, 0, 1] + [0]"
    " * 8), 16)); t.start(); t.join()'; "
    "subprocess.run([sys.executable, '-c', code])"
)
_LOOK_UP = "import socket; socket.getaddrinfo('example.invalid', 80)"
# TensorFlow's libraries look, when they are loaded, whether the system knows IPv6; they send nothing.
_ASKED_ABOUT = ("AF_INET6",)
# What libraries of training and plotting keep at home, as they do for everybody.
_CACHES = frozenset({"matplotlib", ".keras"})
_UNIX = "import socket; a, b = socket.socketpair(); a.send(b'x'); socket.socket(socket.AF_UNIX)"


def _try(code: str, how: How) -> Report:
    report = guarded([sys.executable, "-c", code], how=how)
    if report.code is None:
        pytest.skip(f"this system has no {how}")
    return report


@pytest.mark.parametrize("code", [_PYTHON, _UDP, _LOCAL, _NATIVE, _LOOK_UP])
def test_the_filter_tells_of_every_attempt(code: str):
    report = _try(code, "filter")
    assert report.attempts
    assert {family for family, _, _ in report.attempts} <= {"AF_INET", "AF_INET6"}
    assert not report.silent


@pytest.mark.parametrize("code", [_PYTHON, _UDP, _LOCAL])
def test_the_empty_network_counts_every_packet(code: str):
    report = _try(code, "namespace")
    if len(report.packets) < 2 and code is not _LOCAL:
        pytest.skip("this system lets us have no interface")
    assert any(report.packets.values()), report
    assert not report.silent


def test_processes_of_one_machine_may_speak_with_each_other():
    report = guarded([sys.executable, "-c", _UNIX])
    assert report.code == 0, report
    assert report.silent


def test_one_of_the_guards_works_here():
    report = guarded([sys.executable, "-c", _PYTHON])
    assert report.filtered or report.separate
    assert not report.silent


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return talk(tmp_path_factory.mktemp("talk"))


class _Home:
    """Empty places for what a command may leave behind."""

    def __init__(self, root: Path) -> None:
        self.work, self.home, self.temporary = (root / name for name in ("work", "home", "tmp"))
        for place in (self.work, self.home, self.temporary):
            place.mkdir()

    def run(
        self, *arguments: str | Path, sockets: Sequence[str] = (), command: Sequence[str] = EMOVIEW
    ) -> Report:
        """Run emoview under the guards; it must say and leave nothing beyond what it was asked for."""
        variables = {"HOME": self.home, "TMPDIR": self.temporary, "XDG_CACHE_HOME": self.home / ".cache"}
        report = guarded(
            [*command, *arguments], cwd=self.work, **{name: str(path) for name, path in variables.items()}
        )
        if report.code is None:
            pytest.skip("this system has neither guard")
        assert report.code == 0, report
        assert report.silent, (report.attempts, report.packets, report.words)
        assert {family for family, _ in report.sockets} <= set(sockets), report.sockets
        return report

    def left(self) -> list[str]:
        """Name what is left in the folder for temporary files and at home."""
        places = (self.temporary, self.home)
        found = [path for place in places for path in place.rglob("*") if not path.is_dir()]
        return [str(path) for path in found if path.parent.name not in _CACHES]


@pytest.fixture
def home(tmp_path: Path) -> _Home:
    return _Home(tmp_path)


def test_an_analysis_sends_nothing_and_leaves_nothing(home: _Home, clip: Path):
    home.run("analyze", clip, "-o", "out", "-q")
    home.run("export", "out/" + clip.stem + ".json", "-o", "out", "--format", "parquet,eaf,textgrid,vtt,srt")
    home.run("report", "out/" + clip.stem + ".json", "-o", "page.html")
    assert len(list((home.work / "out").iterdir())) == 7
    assert home.left() == []


def test_a_batch_sends_nothing_and_leaves_nothing(home: _Home, clip: Path):
    for name in ("a", "b", "c"):
        (home.work / f"{name}.mp4").write_bytes(clip.read_bytes())
    home.run("batch", ".", "-o", "out", "--workers", "2", "-q")
    assert (home.work / "out" / "summary.csv").exists()
    assert home.left() == []


def test_looking_at_the_weights_sends_nothing(home: _Home):
    home.run("weights", "verify")
    assert home.left() == []


@pytest.mark.release
def test_fifteen_seconds_send_nothing(home: _Home):
    ffmpeg("-stream_loop", "1", "-i", SAMPLE, "-t", "15", "-preset", "ultrafast", home.work / "long.mp4")
    home.run("analyze", "long.mp4", "-o", "out", "--explain", "--contact-sheet", "--profile")
    facts = json.loads((home.work / "out" / "long.json").read_text())
    assert 370 < facts["media"]["ticks"] < 380
    home.run("report", "out/long.json", "-o", "page.html", "--embed")
    home.run("plot", "out/long.json", "-o", "plot.svg")
    home.run("overlay", "out/long.json", "long.mp4", "-o", "seen.mp4")
    assert home.left() == []


@pytest.mark.release
def test_a_process_that_stays_sends_nothing(home: _Home, clip: Path):
    # What libraries have to tell of their use they tell after a while.
    code = f"import time, emoview; emoview.analyze({str(clip)!r}); time.sleep(40)"
    home.run("-c", code, command=[sys.executable])
    assert home.left() == []


@pytest.mark.release
def test_the_doctor_sends_nothing(home: _Home):
    home.run("doctor", sockets=_ASKED_ABOUT)
    assert home.left() == []


@pytest.mark.release
def test_a_training_sends_nothing(home: _Home):
    tones(home.work / "speech")
    home.run(
        "train",
        "mfcc-cnn",
        "--data",
        "speech",
        "-o",
        "run",
        "--set",
        "plan.epochs=1",
        "--set",
        "batch=4",
        sockets=_ASKED_ABOUT,
    )
    assert (home.work / "run" / "run.json").exists()
    assert home.left() == []
