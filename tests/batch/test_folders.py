"""Folders as people have them: closed ones, pipes, their own results."""

from __future__ import annotations

import csv
import math
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Make

from emoview import InputError, Options, OutputError
from emoview.batch.inputs import Clip, clips_of
from emoview.batch.record import Records, Wanted, write_record
from emoview.batch.run import plan, run_batch
from emoview.batch.summary import FAILED, row_of_failure
from emoview.common.files import sha256_of, write_whole
from emoview.media.probe import Stretch
from emoview.rendering.report import write_reports

WANTED = Wanted(Options(), ("csv",))


def batch(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "emoview", "batch", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_what_is_not_there_is_wrong_usage_and_nothing_is_written(tmp_path: Path):
    for name in ("nowhere", "nowhere.txt", "nowhere.wav"):
        done = batch(name, "-o", "q", cwd=tmp_path)
        assert done.returncode == 2, done.stderr
        assert "does not exist" in done.stderr
    done = batch("*.wav", "-o", "q", cwd=tmp_path)
    assert done.returncode == 1
    assert "no media file matches" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_batch_of_bad_lines_fails_them_and_nothing_lies_elsewhere(tmp_path: Path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "l.csv").write_text("path,start_s\n../d/a.wav,nan\n/x/d/a.wav,\n../d/a.wav,\n")
    done = batch("l.csv", "file://../d/b.wav", "-o", "out", "--workers", "1", cwd=tmp_path / "work")
    assert done.returncode == 3, done.stderr
    assert "4 of 4 clips failed" in done.stderr
    assert "line 2 of l.csv" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["work"]
    assert sorted(path.name for path in (tmp_path / "work" / "out").iterdir()) == [
        "summary.csv", "summary.json",
    ]  # fmt: skip
    listed = batch("l.csv", "-o", "out", "--dry-run", cwd=tmp_path / "work")
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == ["bad", "do", "do"]


def test_pipes_sockets_and_loops_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.wav")
    Path("null.wav").symlink_to("/dev/zero")
    Path("loop.wav").symlink_to("loop.wav")
    Path("gone.wav").symlink_to("nothing")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind("socket.wav")
        found = clips_of(["."])
        assert len(found) == 5
        assert [step.key for step in plan(found, tmp_path / "out", WANTED, resume=True)] == [None] * 5
        report = run_batch(found, tmp_path / "out", WANTED, workers=1)
    assert [row["status"] for row in report.rows] == [FAILED] * 5


def test_a_closed_folder_is_told_and_the_rest_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("open/a.wav", "closed/b.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    list_folder = os.scandir

    def scandir(path: Any) -> Iterator[Any]:
        # Root may list every folder.
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = clips_of([str(tmp_path)])
    assert [(clip.name, bool(clip.fault)) for clip in found] == [("open/a", False), ("closed", True)]
    report = run_batch(found[1:], tmp_path / "out", WANTED)
    assert "Permission denied" in report.rows[0]["error"]
    with pytest.raises(InputError, match="Permission denied"):
        clips_of([str(tmp_path / "closed")])


def test_folders_that_are_links_are_told(tmp_path: Path):
    for name in ("in/day1/a.wav", "disk/b.wav"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    link = tmp_path / "in" / "day2"
    link.symlink_to(tmp_path / "disk")
    notes: list[str] = []
    assert [clip.name for clip in clips_of([str(tmp_path / "in")], notes=notes)] == ["day1/a"]
    (said,) = notes
    assert said.startswith(f"1 linked folder in {tmp_path / 'in'}, such as {link}, passed over: name")
    assert [clip.name for clip in clips_of([str(tmp_path / "in"), str(link)])] == ["day1/a", "b"]
    (tmp_path / "in" / "day1" / "a.wav").rename(tmp_path / "in" / "day1" / "a.doc")
    with pytest.raises(InputError, match=r"but 1 of \.doc and 1 linked folder: name"):
        clips_of([str(tmp_path / "in")])


def test_a_failure_leaves_the_results_of_what_may_be_the_same(tmp_path: Path):
    """The file is on a disk that is not there, or its worker was killed."""
    clip, out = Clip(tmp_path / "disk" / "a.wav", "a"), tmp_path / "out"
    clip.path.parent.mkdir()
    clip.path.write_bytes(b"content")
    result = out / "a.csv"
    write_whole(result, "result")
    records = Records(out, WANTED)
    write_record(out, "a", records.key(clip), [result], row_of_failure(clip, "x"))
    (tmp_path / "disk").rename(tmp_path / "elsewhere")
    records.discard(clip)
    (tmp_path / "elsewhere").rename(tmp_path / "disk")
    records.discard(clip)
    assert plan([clip], out, WANTED, resume=True)[0].row is not None
    # Of other content, or of what was asked for otherwise, it is about something else.
    content = result.read_bytes(), (out / ".emoview" / "a.json").read_bytes()
    Records(out, Wanted(Options(labels=3), ("csv",))).discard(clip)
    assert not result.exists()
    for file, data in zip((result, out / ".emoview" / "a.json"), content, strict=True):
        file.write_bytes(data)
    clip.path.write_bytes(b"other content")
    records.discard(clip)
    assert not result.exists()


def test_a_recording_that_was_cut_up_within_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A name was covered by a tone: the file has its size, and the bytes that are looked at first."""
    clip, out = Clip(tmp_path / "a.wav", "a"), tmp_path / "out"
    content = bytearray(2**21)
    clip.path.write_bytes(content)
    write_whole(out / "a.csv", "result")
    key, sha256 = Records(out, WANTED).key(clip), sha256_of(clip.path)
    write_record(out, "a", key, [out / "a.csv"], row_of_failure(clip, "x"), sha256)

    def is_done() -> bool:
        return plan([clip], out, WANTED, resume=True)[0].row is not None

    assert is_done()
    content[2**19] = 1
    clip.path.write_bytes(content)
    later = (out / ".emoview" / "a.json").stat().st_mtime + 5
    os.utime(clip.path, (later, later))
    assert Records(out, WANTED).key(clip) == key
    assert not is_done()
    # A copy is newer, too, but it is the same, and is read once.
    clip.path.write_bytes(bytes(2**21))
    os.utime(out / ".emoview" / "a.json", (1e9, 1e9))
    assert is_done()
    monkeypatch.setattr("emoview.batch.record.sha256_of", lambda _: "of another")
    assert is_done()


def test_results_are_not_taken_for_clips(tmp_path: Path):
    (tmp_path / "a.wav").touch()
    out = tmp_path / "out"
    for ending in (".csv", ".json", ".txt", ".TextGrid", ".srt", "-faces.png"):
        for name in ("a", "summary", ".emoview/a", "folder/b"):
            (out / f"{name}{ending}").parent.mkdir(parents=True, exist_ok=True)
            (out / f"{name}{ending}").write_text("x")
    assert [clip.name for clip in clips_of([str(tmp_path)])] == ["a"]


def test_names_that_the_batch_needs_itself(tmp_path: Path):
    for name in ("summary.wav", ".emoview.wav", "CON.wav", "summary.csv/a.wav", "x.csv/a.wav", "x.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = {clip.name for clip in clips_of([str(tmp_path), str(tmp_path / ".emoview.wav")])}
    assert names == {"summary.wav", ".emoview", "CON", "summary.csv~/a", "x.csv/a", "x.wav"}


def test_a_nasty_name_is_analysed_found_again_and_reported(made: Make, tmp_path: Path):
    clip = tmp_path / ("=1+1\x1b[31m" + "é" * 121 + ".wav")
    clip.write_bytes(made("second.wav", "-vn", seconds=1.2).read_bytes())
    out = tmp_path / "out"
    for already in ("", "1 of 1 were done already"):
        done = batch(tmp_path, "-o", out, "--contact-sheet", "--workers", "1", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert already in done.stderr
        assert "\x1b" not in done.stderr
    files = sorted(path.name for path in out.iterdir() if path.name.startswith("="))
    assert [name[-9:] for name in files] == ["faces.png", files[1][-9:], files[2][-9:]]
    assert {Path(name).suffix for name in files} == {".png", ".csv", ".json"}
    with (out / "summary.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["name"].startswith("'=1+1\\x1b[31mé")
    assert len(write_reports(out, tmp_path / "overview.html").pages) == 2


def test_a_time_that_is_none_does_not_cost_the_summary(tmp_path: Path):
    clips = [Clip(tmp_path / "a.wav", "a", Stretch(math.nan, math.inf))]
    (row,) = run_batch(clips, tmp_path / "out", WANTED, workers=1).rows
    assert row["status"] == FAILED


def test_a_folder_that_cannot_be_written_stops_before_any_work(tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "out" / "summary.json").mkdir(parents=True)
    long = tmp_path.joinpath(*["d" * 200] * 30)
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "out", long):
        with pytest.raises(OutputError, match="cannot be written"):
            run_batch([Clip(tmp_path / "a.wav", "a")], folder, WANTED)
    assert not (tmp_path / "out" / "summary.csv").exists()
    assert clips_of(["n" * 300 + ".wav"])[0].fault is None
