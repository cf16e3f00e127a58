"""Full disks, sudden ends, killed children: nothing is lost or half-written, and the next run is right."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from . import seccomp
from .common import EMOVIEW, SAMPLE, environment, ffmpeg
from .faults import content, temporary
from .judge import broken_rules
from .scenarios import SCENARIOS, Scenario, Tally, differences, disturb
from .watch import end_group, tree

pytestmark = pytest.mark.skipif(
    not seccomp.available(seccomp.file_changes), reason="the kernel takes no filter here"
)

_SEED = 11
_KILLS = {"analyze": 100, "batch": 90, "report": 14, "train": 4}
_FULL = {"analyze": 49, "batch": 44, "report": 4, "train": 2}
# A batch goes on where it was, so that the second of a chain has little left to be disturbed at.
_CHAINS = {"analyze": 5, "batch": 1, "report": 5, "train": 1}
_PATIENCE_S = 60


def _hold(tally: Tally, least: int) -> None:
    assert not tally.faults, "\n".join(tally.faults)
    assert tally.done >= least


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return SCENARIOS["analyze"](tmp_path_factory.mktemp("analysis")).learn()


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return SCENARIOS["batch"](tmp_path_factory.mktemp("batch")).learn()


def test_a_full_disk_leaves_nothing_half_written(analysis: Scenario):
    _hold(disturb(analysis, "full", 1, _SEED), 1)


def test_an_analysis_that_is_killed_is_made_whole_by_the_next(analysis: Scenario):
    _hold(disturb(analysis, "kill", 2, _SEED), 1)


def test_a_batch_that_is_killed_goes_on(batch: Scenario):
    _hold(disturb(batch, "kill", 2, _SEED), 1)


@pytest.mark.release
@pytest.mark.parametrize("name", list(SCENARIOS))
def test_sudden_ends(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    tally = disturb(SCENARIOS[name](tmp_path).learn(), "kill", _KILLS[name], _SEED, chain=_CHAINS[name])
    with capsys.disabled():
        print(f"\n{name}: {len(tally.faults)} lost of {tally.done} kills", *tally.faults, sep="\n")
    assert not tally.faults


@pytest.mark.release
@pytest.mark.parametrize("name", list(SCENARIOS))
def test_a_full_disk_at_each_operation(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    tally = disturb(SCENARIOS[name](tmp_path).learn(), "full", _FULL[name], _SEED, chain=_CHAINS[name])
    with capsys.disabled():
        print(f"\n{name}: {len(tally.faults)} lost of {tally.done} full disks", *tally.faults, sep="\n")
    assert not tally.faults


def _start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*EMOVIEW, *arguments], cwd=cwd, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


def _child(process: subprocess.Popen[bytes], right: Callable[[bytes], bool]) -> int:
    """Wait for a child whose command line is the right one."""
    until = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        for pid in tree(process.pid):
            with contextlib.suppress(OSError):
                if pid != process.pid and right(Path(f"/proc/{pid}/cmdline").read_bytes()):
                    return pid
        time.sleep(0.002)
    raise AssertionError("there is no such child")


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    ffmpeg("-stream_loop", "3", "-i", SAMPLE, "-c", "copy", path)
    return path


@pytest.mark.parametrize("what", [b"rawvideo", b"f32le"])
def test_a_decoder_that_is_killed_is_told_of(what: bytes, long_clip: Path, tmp_path: Path):
    process = _start("analyze", long_clip, "-o", "out", "-q", cwd=tmp_path)
    os.kill(_child(process, lambda line: what in line and b"ffmpeg" in line), signal.SIGKILL)
    _, said = process.communicate(timeout=_PATIENCE_S)
    assert process.returncode in (0, 1), said
    assert b"unexpected" not in said
    assert not temporary(tmp_path)
    if process.returncode == 0:
        text = (tmp_path / "out" / "long.json").read_text()
        assert not broken_rules(text)
        warnings = json.loads(text)["warnings"]
        assert any("crashed" in one or "killed" in one for one in warnings), warnings
    else:
        assert not (tmp_path / "out").exists() or not content(tmp_path / "out")
        assert said.startswith(b"error: ")


def test_a_worker_that_is_killed_loses_its_clip_alone(batch: Scenario):
    batch.clear()
    process = _start(*batch.arguments, cwd=batch.folder)
    os.kill(_child(process, lambda line: b"spawn_main" in line), signal.SIGKILL)
    _, said = process.communicate(timeout=_PATIENCE_S)
    assert process.returncode == 3, said
    assert b"killed" in said
    assert batch.run().code == batch.code
    assert list(differences(batch)) == []


def test_two_batches_on_one_folder(batch: Scenario):
    batch.clear()
    both = [_start(*batch.arguments, cwd=batch.folder) for _ in range(2)]
    said = [process.communicate(timeout=_PATIENCE_S)[1] for process in both]
    assert [process.returncode for process in both] == [batch.code] * 2, said
    assert list(differences(batch)) == []


def test_an_analysis_that_is_told_to_end_leaves_nothing(long_clip: Path, tmp_path: Path):
    process = _start(
        "analyze", long_clip, "-o", "out", "-q", "--save-faces", "out/faces", cwd=tmp_path
    )  # fmt: skip
    try:
        _child(process, lambda line: b"rawvideo" in line)
        time.sleep(1)
        children = [pid for pid in tree(process.pid) if pid != process.pid]
        process.terminate()
        process.communicate(timeout=_PATIENCE_S)
        time.sleep(0.5)
        assert process.returncode != 0
        assert not [pid for pid in children if Path(f"/proc/{pid}/exe").exists() and _runs(pid)]
        assert not content(tmp_path), content(tmp_path).keys()
        assert not temporary(tmp_path)
    finally:
        end_group(process)
        shutil.rmtree(tmp_path / "out", ignore_errors=True)


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"ffmpeg" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
