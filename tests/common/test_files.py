"""What is written is whole or not there, whoever else writes, and whenever a writer is killed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emoview import OutputError
from emoview.common.files import private_folder, sweep, whole_file, whole_folder, write_whole

_HANGING = """
import sys, time
from pathlib import Path
from emoview.common.files import private_folder, whole_file, whole_folder
with {what} as temporary:
    {write}
    print(temporary, flush=True)
    time.sleep(60)
"""


def _hanging(what: str, write: str, **environment: str) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HANGING.format(what=what, write=write)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def _kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def _hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_what_a_living_writer_writes_is_not_swept_and_what_a_dead_one_left_is(tmp_path: Path):
    target = tmp_path / "talk.csv"
    process, temporary = _hanging(f"whole_file(Path({str(target)!r}))", "temporary.write_text('half')")
    sweep(target)
    assert temporary.exists()
    # Another writer of the same file gets on meanwhile.
    write_whole(target, "whole\n")
    assert target.read_text() == "whole\n"
    assert temporary.exists()
    _kill(process)
    assert not target.with_name("talk.csv.csv").exists()
    sweep(target.with_name("talk.csv.csv"))
    assert temporary.exists()
    sweep(target)
    assert _hidden(tmp_path) == []


def test_the_next_writer_takes_over_what_a_killed_one_left(tmp_path: Path):
    target = tmp_path / "talk.csv"
    process, temporary = _hanging(f"whole_file(Path({str(target)!r}))", "temporary.write_text('x' * 99)")
    _kill(process)
    write_whole(target, "new\n")
    assert target.read_text() == "new\n"
    assert _hidden(tmp_path) == []
    assert not temporary.exists()


def test_faces_that_a_killed_writer_left_are_gone_with_the_next(tmp_path: Path):
    target = tmp_path / "faces"
    process, temporary = _hanging(
        f"whole_folder(Path({str(target)!r}))", "(temporary / '0_0.png').write_text('a face')"
    )
    _kill(process)
    assert (temporary / "0_0.png").exists()
    with whole_folder(target) as folder:
        assert not list(folder.iterdir())
        (folder / "1_0.png").write_text("another")
    assert [path.name for path in target.iterdir()] == ["1_0.png"]
    assert _hidden(tmp_path) == []


def test_a_folder_that_fails_leaves_nothing(tmp_path: Path):
    def failing() -> None:
        with whole_folder(tmp_path / "faces") as folder:
            (folder / "0_0.png").write_text("a face")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_filled_from_within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As that of another disk, which nothing can be moved to from beside it."""
    inside = tmp_path / "disk"
    inside.mkdir()
    process, left = _hanging(f"whole_folder(Path({str(inside)!r}))", "(temporary / '0.png').write_text('x')")
    _kill(process)
    assert left.parent == inside
    with whole_folder(inside) as folder:
        assert folder == left
        (folder / "1.png").write_text("x")
    monkeypatch.chdir(inside)
    with whole_folder(Path()) as folder:
        (folder / "2.png").write_text("x")
    assert sorted(path.name for path in inside.iterdir()) == ["1.png", "2.png"]
    assert list(tmp_path.iterdir()) == [inside]


@pytest.mark.parametrize("name", [".", "/"])
def test_no_file_takes_the_place_of_a_folder(name: str):
    with pytest.raises(OutputError, match="directory"):
        write_whole(Path(name), "x")


def test_private_folders_of_killed_processes_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    living, kept = _hanging("private_folder()", "pass", TMPDIR=str(tmp_path))
    dead, left = _hanging(
        "private_folder()", "(temporary / 'clip.mp4').write_text('x')", TMPDIR=str(tmp_path)
    )
    _kill(dead)
    with private_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0
        assert kept.exists()
        assert not left.exists()
    _kill(living)
    assert not folder.exists()


def test_names_that_share_their_beginning_do_not_meet(tmp_path: Path):
    one, other = (tmp_path / ("x" * 240 + end) for end in ("one", "other"))
    with whole_file(one) as first, whole_file(other) as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert (one.read_text(), other.read_text()) == ("1", "2")
    assert _hidden(tmp_path) == []


def test_many_writers_of_one_file_leave_one_whole_file(tmp_path: Path):
    target = tmp_path / "summary.csv"
    code = (
        "import sys; from pathlib import Path; from emoview.common.files import write_whole\n"
        f"for _ in range(100): write_whole(Path({str(target)!r}), sys.argv[1] * 50_000)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, letter]) for letter in "abcd"]
    until = time.monotonic() + 60
    while any(writer.poll() is None for writer in writers) and time.monotonic() < until:
        if target.exists():
            content = target.read_text()
            assert len(content) == 50_000
            assert len(set(content)) == 1
    assert [writer.wait() for writer in writers] == [0] * 4
    assert _hidden(tmp_path) == []


def test_a_name_that_something_else_has_is_passed_over(tmp_path: Path):
    (tmp_path / ".a.csv.part").mkdir()
    (tmp_path / ".a.csv.2.part").symlink_to("/dev/null")
    write_whole(tmp_path / "a.csv", "1")
    assert (tmp_path / "a.csv").read_text() == "1"


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "result.csv"
    target.write_text("before")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_whole(target, "after")
    assert target.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["result.csv"]


def _failing() -> Iterator[str]:
    yield "half"
    raise OSError(errno.EIO, "Input/output error")


def test_a_pipe_gets_what_is_written_and_stays_one(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True)
    with pytest.raises(OutputError):
        write_whole(pipe, _failing())
    write_whole(pipe, "whole\n")
    assert reader.communicate(timeout=20)[0] == "whole\n"
    assert pipe.is_fifo()
    assert _hidden(tmp_path) == []


def test_what_the_shell_opened_is_written_to_by_its_name(tmp_path: Path):
    code = "import sys; from pathlib import Path; from emoview.common.files import write_whole\n"
    command = [sys.executable, "-c", code + "write_whole(Path(sys.argv[1]), 'whole')"]
    with (tmp_path / "out.txt").open("wb") as file:
        subprocess.run([*command, f"/dev/fd/{file.fileno()}"], pass_fds=[file.fileno()], check=True)
    assert (tmp_path / "out.txt").read_bytes() == b"whole"


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/proc/self/fd/2", "link"])
def test_standard_output_by_its_name_is_refused_and_not_replaced(name: str, tmp_path: Path):
    if name == "link":
        (tmp_path / name).symlink_to("/dev/stdout")
    path = tmp_path / name
    with pytest.raises(OutputError, match="name a file, or say -"):
        write_whole(path, "whole")
    assert path.is_symlink()


def test_a_device_is_written_to(tmp_path: Path):
    device = Path("/dev/null")
    # A link to it is as far as a test may go.
    link = tmp_path / "null.json"
    link.symlink_to(device)
    write_whole(link, "whole")
    assert link.is_symlink()
    assert device.is_char_device()
    assert _hidden(tmp_path) == []


def test_a_link_to_a_file_is_replaced_as_a_file_is(tmp_path: Path):
    (tmp_path / "kept.csv").write_text("kept")
    (tmp_path / "link.csv").symlink_to("kept.csv")
    write_whole(tmp_path / "link.csv", "new")
    assert (tmp_path / "kept.csv").read_text() == "kept"
    assert (tmp_path / "link.csv").read_text() == "new"
