"""Many clips: names, lists, results, resuming after every kind of end, crashes."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Make
from made_up import made_up

from emoview import LABELS, InputError, Options
from emoview.batch.events import Finished, Working
from emoview.batch.inputs import Clip, clips_of
from emoview.batch.record import Records, Wanted, write_record
from emoview.batch.run import plan, run_batch
from emoview.batch.summary import COLUMNS, row_of_failure, write_summary
from emoview.media.probe import Stretch, probe
from emoview.output.json import to_json

COMMAND = [sys.executable, "-m", "emoview", "batch"]
ARGUMENTS = ("--workers", "2", "--challenge", "--contact-sheet", "--labels", "3")


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    # As from a terminal: a group of its own, and Ctrl-C not ignored, as a shell's background jobs would.
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    process = start(*arguments)
    out, error = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "summary.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def clips(made: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as people have them."""
    folder = tmp_path_factory.mktemp("clips")
    for name in ("day1", "day2", ".hidden"):
        (folder / name).mkdir()
    good = made("second.mp4", "-s", "240x240", seconds=1.2).read_bytes()
    (folder / "day1" / "talk.mp4").write_bytes(good)
    (folder / ".hidden" / "talk.mp4").write_bytes(good)
    (folder / "day1" / "talk.wav").write_bytes(made("second.wav", "-vn", seconds=1.2).read_bytes())
    silent = made("second-silent.mp4", "-an", "-s", "240x240", seconds=1.0).read_bytes()
    (folder / "day2" / "silent é.mp4").write_bytes(silent)
    (folder / "day2" / "broken.mp4").write_bytes(good[: len(good) // 2])
    (folder / "day2" / "text.mp4").write_text("this is no video\n" * 50)
    (folder / "empty.mov").write_bytes(b"")
    (folder / "notes.md").write_text("no media")
    return folder


GOOD = {"day1/talk.mp4", "day1/talk.wav", "day2/silent é"}


@pytest.fixture(scope="module")
def finished(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a batch that nothing disturbed."""
    folder = tmp_path_factory.mktemp("finished")
    done = run(clips, "-o", folder, *ARGUMENTS)
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    assert "3 of 6 clips failed" in done.stderr
    lines = done.stderr.splitlines()
    for name in ("broken.mp4", "text.mp4", "empty.mov"):
        assert any(line.startswith("  ") and name in line for line in lines), done.stderr
    for foreign in ("tensorflow", "W0000", "INFO:", "Traceback", "Warning"):
        assert foreign not in done.stderr
    return folder


def test_a_batch_writes_results_and_a_summary_and_fails_files_alone(finished: Path):
    endings = (".csv", ".json", ".txt", "-faces.png")
    results = {name + ending for name in GOOD for ending in endings}
    shown = {name for name in tree(finished) if not name.startswith(".emoview")}
    assert shown == results | {"summary.csv", "summary.json"}
    rows = rows_of(finished)
    assert {name for name, row in rows.items() if row["status"] == "done"} == GOOD
    talk = rows["day1/talk.mp4"]
    assert tuple(talk)[: len(COLUMNS)] == COLUMNS
    assert "fused_positive" in talk
    assert talk["label"] in ("positive", "neutral", "negative")
    for modality in ("fused", "face", "voice"):
        assert sum(float(talk[f"{modality}_{label}"]) for label in LABELS) == pytest.approx(1, abs=1e-3)
    assert rows["day2/silent é"]["voice_label"] == ""
    assert "no sound" in rows["day2/silent é"]["warnings"]
    assert "0 bytes" in rows["empty"]["error"]
    assert rows["day2/text"]["label"] == ""
    stored = json.loads((finished / "summary.json").read_text("utf-8"))
    assert (stored["done"], stored["failed"]) == (3, 3)
    assert [row["name"] for row in stored["clips"]] == list(rows)
    label = (finished / "day1" / "talk.mp4.txt").read_text()
    assert label == talk["label"] + "\n"
    document = json.loads((finished / "day1" / "talk.mp4.json").read_text("utf-8"))
    assert document["overall"]["label"] == talk["label"]
    assert document["timings"] == {}


def test_resuming_does_nothing_twice_and_makes_what_is_missing(clips: Path, finished: Path):
    before = tree(finished)
    times = {name: (finished / name).stat().st_mtime_ns for name in before}
    listed = run(clips, "-o", finished, *ARGUMENTS, "--dry-run")
    assert listed.returncode == 0
    states = dict(reversed(line.split("\t")[::4]) for line in listed.stdout.splitlines())  # type: ignore[misc]
    assert {n.removeprefix(f"{finished}/") for n, state in states.items() if state == "done"} == GOOD
    changed = run(clips, "-o", finished, *ARGUMENTS, "--causal", "--dry-run")
    assert changed.returncode == 0
    assert not any(line.endswith("\tdone") for line in changed.stdout.splitlines())
    assert tree(finished) == before
    (finished / "day2" / "silent é.csv").unlink()
    again = run(clips, "-o", finished, *ARGUMENTS)
    assert again.returncode == 3, again.stderr
    assert "2 of 6 were done already" in again.stderr
    assert tree(finished) == before
    for name in ("day1/talk.mp4.csv", "day1/talk.wav.json"):
        assert (finished / name).stat().st_mtime_ns == times[name]


def _wait_for(folder: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    while not list(folder.glob(pattern)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.001)


def _no_part_is_left(folder: Path) -> None:
    assert not list(folder.rglob("*.part"))


def test_whatever_ends_it_the_same_command_goes_on(clips: Path, finished: Path, tmp_path: Path):
    process = start(clips, "-o", tmp_path, *ARGUMENTS)
    _wait_for(tmp_path, ".emoview/**/*.json", process)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "interrupted" in error
    assert "Traceback" not in error
    assert sum(row["status"] == "done" for row in rows_of(tmp_path).values()) >= 1
    _no_part_is_left(tmp_path)

    for result in tmp_path.glob("day2/silent*"):
        result.unlink()
    process = start(clips, "-o", tmp_path, *ARGUMENTS)
    # Now some of its files are there, but not the record that would say so.
    _wait_for(tmp_path, "day2/silent*.csv", process)
    process.kill()
    process.communicate()
    # Its workers notice within a second or two that they are alone.
    time.sleep(2.5)
    done = run(clips, "-o", tmp_path, *ARGUMENTS)
    assert done.returncode == 3, done.stderr
    assert tree(tmp_path) == tree(finished)


def test_a_crash_fails_its_file_alone_and_lists_may_name_stretches(made: Make, tmp_path: Path):
    clip = made("listed.mp4", "-s", "240x240", seconds=2.0)
    table = clip.with_name("stretches.csv")
    table.write_text("path,start_s,end_s\nlisted.mp4,0.2,0.8\nlisted.mp4,1.0,\nlisted.mp4,5,6\n")
    found = clips_of([str(table)])
    assert [c.name for c in found] == ["listed_0.2-0.8", "listed_1-end", "listed_5-6"]

    def crash(event: object) -> None:
        if isinstance(event, Working) and event.done == 0 and event.clip.name == "listed_0.2-0.8":
            (worker,) = multiprocessing.active_children()
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGSEGV)

    wanted = Wanted(Options(), ("json",))
    report = run_batch(found, tmp_path, wanted, workers=1, on_event=crash)
    by_name = {row["name"]: row for row in report.rows}
    assert "SIGSEGV" in by_name["listed_0.2-0.8"]["error"]
    assert "2 s long" in by_name["listed_5-6"]["error"]
    document = json.loads((tmp_path / "listed_1-end.json").read_text())
    assert document["media"]["start_s"] == 1.0
    assert 25 <= document["media"]["ticks"] <= 28
    assert document["timeline"][0]["time_s"] == 0
    steps = plan(found, tmp_path, wanted, resume=True)
    assert [step.row is not None for step in steps] == [False, True, False]


def test_fail_fast_stops(clips: Path, tmp_path: Path):
    events: list[object] = []
    bad = [Clip(clips / "empty.mov", "a"), Clip(clips / "day2" / "text.mp4", "b")]
    wanted = Wanted(Options(), ("csv",))
    report = run_batch(bad, tmp_path, wanted, fail_fast=True, on_event=events.append)
    assert [row["name"] for row in report.rows] == ["a"]
    assert sum(isinstance(event, Finished) for event in events) == 1


def test_file_names_that_are_no_text(made: Make, tmp_path: Path):
    odd = tmp_path / os.fsdecode(b"bad\xff [1]\n.mp4")
    odd.write_bytes(made("second.wav", "-vn", seconds=1.2).read_bytes())
    (clip,) = clips_of([str(tmp_path)])
    assert probe(clip.path).audio is not None
    wanted = Wanted(Options(), ("csv",))
    records = Records(tmp_path, wanted)
    row = row_of_failure(clip, f"{clip.path} is odd")
    write_record(tmp_path, clip.name, records.key(clip), [], row)
    write_summary(tmp_path, wanted, [row])
    assert rows_of(tmp_path).keys() == {"bad\\udcff [1]\\n"}


def test_names_never_collide(tmp_path: Path):
    for name in ("a/x.mp4", "a/x.wav", "a/y.mp4", "b/x.mp4", "b/X.mp4", "summary.mp4", "a/x.mp4.mov"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    names = [clip.name for clip in clips_of([str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path)])]
    folded = [name.casefold() for name in names]
    assert len(set(folded)) == len(names) == 7
    assert "y" in names
    assert "summary" not in folded
    assert clips_of([str(tmp_path / "a" / "y.mp4"), str(tmp_path / "*" / "y.mp4")])[0].name == "y"
    mirrored = {clip.name for clip in clips_of([str(tmp_path)])}
    assert {"a/y", "a/x.wav", "summary.mp4"} <= mirrored


def test_lists_and_globs(tmp_path: Path):
    (tmp_path / "in").mkdir()
    for name in ("one.mp4", "two.mp4"):
        (tmp_path / "in" / name).write_bytes(b"")
    listed = tmp_path / "list.txt"
    listed.write_text("# mine\nin/one.mp4\n\nin/missing.mp4\nin/one.mp4\n", encoding="utf-8-sig")
    assert [clip.name for clip in clips_of([str(listed)])] == ["in/one", "in/missing"]
    found = clips_of([str(tmp_path / "**" / "*.mp4")])
    assert [clip.name for clip in found] == ["in/one", "in/two"]
    for text, words in (("path,start_x\na,1\n", "start_x"), ("a.mp4\nb.mp4\n", "needs a column")):
        table = tmp_path / "list.csv"
        table.write_text(text)
        with pytest.raises(InputError, match=words):
            clips_of([str(table)])
    for nothing in (tmp_path / "none" / "*.mp4", tmp_path / "in" / "*.mkv"):
        with pytest.raises(InputError, match="no media file matches"):
            clips_of([str(nothing)])
    with pytest.raises(InputError, match="must lie after"):
        probe(listed, Stretch(3, 2))


def test_what_a_result_depends_on_makes_it_new(tmp_path: Path):
    file = tmp_path / "a.mp4"
    file.write_bytes(bytes(3_000_000))
    clip = Clip(file, "a")
    wanted = Wanted(Options(), ("csv",))
    (tmp_path / "a.csv").write_text("result")
    records = Records(tmp_path, wanted)
    write_record(tmp_path, "a", records.key(clip), [tmp_path / "a.csv"], row_of_failure(clip, "x"))
    assert records.row(clip, records.key(clip))
    others = (
        Wanted(Options(face="all"), ("csv",)), Wanted(Options(), ("csv", "json")),
        Wanted(Options(), ("csv",), challenge=True),
    )  # fmt: skip
    for other in others:
        assert plan([clip], tmp_path, other, resume=True)[0].row is None
    cut = Clip(file, "a", Stretch(1.0))
    assert records.row(cut, records.key(cut)) is None
    with file.open("r+b") as content:
        content.seek(1_500_000)
        content.write(b"x")
    assert records.row(clip, records.key(clip)) is None


def test_whose_results_an_earlier_batch_left_under_the_name_is_told(tmp_path: Path):
    one, other, same = (tmp_path / name / "a.mp4" for name in ("one", "other", "moved"))
    for file, content in ((one, b"1"), (other, b"2"), (same, b"1")):
        file.parent.mkdir()
        file.write_bytes(content)
    wanted = Wanted(Options(), ("csv",))
    (tmp_path / "a.csv").write_text("result")
    clip = Clip(one, "a")
    key = Records(tmp_path, wanted).key(clip)
    write_record(tmp_path, "a", key, [tmp_path / "a.csv"], row_of_failure(clip, "x"))

    def replaced(file: Path) -> str | None:
        return plan([Clip(file, "a")], tmp_path, wanted, resume=True)[0].replaces

    assert replaced(other) == str(one)
    assert replaced(one) is None
    assert replaced(same) is None
    one.write_bytes(b"3")
    assert replaced(one) is None
    assert plan([Clip(other, "b")], tmp_path, wanted, resume=True)[0].replaces is None


def test_one_name_in_two_folders_is_of_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    wanted = Wanted(Options(), ("csv",))
    clip = Clip(Path("a.mp4"), "a")
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.mp4").write_bytes(name.encode())
    monkeypatch.chdir(tmp_path / "one")
    key = Records(tmp_path, wanted).key(clip)
    (tmp_path / "a.csv").write_text("result")
    write_record(tmp_path, "a", key, [tmp_path / "a.csv"], row_of_failure(clip, "x"))
    monkeypatch.chdir(tmp_path / "other")
    assert plan([clip], tmp_path, wanted, resume=True)[0].replaces == "a.mp4"


def test_what_no_batch_has_left_under_the_name_is_told(tmp_path: Path):
    one, other = (tmp_path / name / "a.mp4" for name in ("one", "other"))
    for file in (one, other):
        file.parent.mkdir()
        file.write_bytes(file.parent.name.encode())
    wanted = Wanted(Options(), ("csv",))

    def replaced(file: Path) -> str | None:
        return plan([Clip(file, "a")], tmp_path, wanted, resume=True)[0].replaces

    assert replaced(one) is None
    # Somebody's own table, such as annotations.
    (tmp_path / "a.csv").write_text("start_s,end_s,label")
    assert replaced(one) == "an unknown file"
    (tmp_path / "a.json").write_text(to_json(made_up(path=str(one))))
    assert replaced(one) is None
    assert replaced(other) == str(one)


@pytest.mark.parametrize("name", ["a.csv", "summary.csv"])
def test_a_list_is_not_written_over(name: str, tmp_path: Path):
    (tmp_path / name).write_text("path\na.mp4\n")
    done = run(tmp_path / name, "-o", tmp_path)
    assert done.returncode == 1
    assert f"{name} would be overwritten: choose another folder" in "".join(done.stderr.split("\n"))
    assert (tmp_path / name).read_text() == "path\na.mp4\n"
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_a_summary_of_ten_thousand_is_quick(tmp_path: Path):
    clip = Clip(Path("a.mp4"), "a")
    rows = [row_of_failure(clip, f"error {i}") for i in range(10_000)]
    begun = time.perf_counter()
    write_summary(tmp_path, Wanted(Options(), ("csv",)), rows)
    assert time.perf_counter() - begun < 10


@pytest.mark.parametrize("wrong", [(), ("x.mp4",), ("x.mp4", "-o", "out", "--workers", "0")])
def test_wrong_usage_is_exit_code_2(wrong: tuple[str, ...]):
    assert run(*wrong).returncode == 2
