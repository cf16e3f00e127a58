"""A batch on a Dask cluster, and clips and results behind addresses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import distributed
import fsspec
import pytest
from conftest import Make

from emoview import InputError, Options, OutputError
from emoview.batch import cluster as cluster_module
from emoview.batch import storage
from emoview.batch.cluster import ClusterPool
from emoview.batch.events import Finished
from emoview.batch.inputs import Clip, clips_of
from emoview.batch.record import Records, Wanted, write_record
from emoview.batch.run import Report, plan, run_batch
from emoview.batch.storage import Remote, fetched, place_of, sweep, write_whole
from emoview.batch.summary import row_of_failure
from emoview.errors import ClusterError
from emoview.media.probe import Stretch

WANTED = Wanted(Options(), ("csv", "json", "eaf"), challenge=True, contact_sheet=True)

# What a clip does that crashes the native code which decodes it, or that takes its time.
PRELOAD = """
import os, signal, time
import emoview.pipeline.analysis as analysis

# Dask may run this more than once in a process.
real = getattr(analysis, "real", analysis.analyze)
analysis.real = real

def analyze(path, **options):
    if str(path).endswith("crash.mp4"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if str(path).endswith("slow.mp4"):
        on_event = options["on_event"]
        while True:
            time.sleep(0.1)
            on_event(None)
    return real(path, **options)

analysis.analyze = analyze
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[distributed.Client]:
    """A scheduler and three workers in processes of their own, as people start them."""
    folder = tmp_path_factory.mktemp("cluster")
    file, preload = folder / "scheduler.json", folder / "preload.py"
    preload.write_text(PRELOAD)
    common = ("--scheduler-file", file, "--host", "127.0.0.1", "--no-dashboard")
    environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}

    def start(*arguments: str | Path) -> subprocess.Popen[bytes]:
        log = (folder / f"{arguments[0]}.log").open("wb")
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, arguments)],
            env=environment, stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip

    processes = [start("scheduler", "--port", "0", *common)]
    try:
        while not file.exists():
            assert processes[0].poll() is None
            time.sleep(0.05)
        processes.append(
            start("worker", *common, "--nworkers", "3", "--nthreads", "1", "--preload", preload,
                  "--local-directory", folder)
        )  # fmt: skip
        with distributed.Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(3, timeout=120)
            yield client
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch):
    """As Dask's workers have, for their numbers are to be those of this machine to the last digit."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")


@pytest.fixture(scope="module")
def clips(made: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared") / "clips"
    (folder / "day1").mkdir(parents=True)
    for number in range(4):
        clip = made("second.mp4", "-s", "240x240", seconds=1.0 + number / 10)
        (folder / "day1" / f"talk {number}.mp4").write_bytes(clip.read_bytes())
    (folder / "silent é.mp4").write_bytes(made("silent.mp4", "-an", "-s", "240x240").read_bytes())
    (folder / "text.mp4").write_text("this is no video\n")
    return folder


@pytest.fixture(scope="module")
def local(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a batch on this machine alone."""
    folder = tmp_path_factory.mktemp("local")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        report = run_batch(clips_of([str(clips)]), folder, WANTED, workers=2)
    assert [row["name"] for row in report.failed] == ["text"]
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def run_there(client: distributed.Client, clips: list[Clip], folder, **options) -> Report:
    pool = ClusterPool(client.scheduler.address, folder, WANTED)
    return run_batch(clips, folder, WANTED, workers=pool, **options)


def busy(client: distributed.Client) -> list[str]:
    return [address for address, keys in client.processing().items() if keys]


def test_the_same_bytes_as_here_though_a_worker_is_killed(
    client: distributed.Client, clips: Path, local: Path, tmp_path: Path
):
    processes = client.run(os.getpid)
    killed = []

    def kill_one(event: object) -> None:
        # When the first is through, the others are in the midst of theirs.
        if isinstance(event, Finished) and not killed:
            address = busy(client)[0]
            os.kill(processes[address], signal.SIGKILL)
            killed.append(address)

    report = run_there(client, clips_of([str(clips)]), tmp_path, on_event=kill_one)
    assert killed
    assert [row["name"] for row in report.failed] == ["text"]
    assert tree(tmp_path) == tree(local)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json") if path.parent != tmp_path}
    run_there(client, clips_of([str(clips)]), tmp_path)
    assert tree(tmp_path) == tree(local)
    assert times == {path: path.stat().st_mtime_ns for path in times}
    client.wait_for_workers(3, timeout=60)
    assert processes[killed[0]] not in client.run(os.getpid).values()


@pytest.mark.release
def test_a_clip_that_crashes_every_worker_is_given_up_alone(
    client: distributed.Client, clips: Path, tmp_path: Path
):
    (tmp_path / "in").mkdir()
    for name in ("crash.mp4", "good.mp4"):
        (tmp_path / "in" / name).write_bytes((clips / "day1" / "talk 0.mp4").read_bytes())
    report = run_there(client, clips_of([str(tmp_path / "in")]), tmp_path / "out")
    client.wait_for_workers(3, timeout=60)
    rows = {row["name"]: row for row in report.rows}
    assert "crashed or was lost" in rows["crash"]["error"]
    assert rows["good"]["status"] == "done"


def test_clips_and_results_behind_addresses(
    client: distributed.Client, clips: Path, local: Path, tmp_path: Path
):
    # A file system that fsspec reaches and that all processes share.
    address, results = f"local://{clips}", f"local://{tmp_path}"
    found = clips_of([address])
    assert [clip.name for clip in found] == [clip.name for clip in clips_of([str(clips)])]
    chosen = [clip for clip in found if clip.name in ("day1/talk 0", "text")]
    report = run_there(client, chosen, place_of(results))
    assert [str(path) for path in report.written] == [f"{results}/summary.csv", f"{results}/summary.json"]
    got, expected = tree(tmp_path), tree(local)
    assert {name for name in expected if "talk 0" in name} == {name for name in got if "summary" not in name}
    for name, content in got.items():
        if name.startswith("day1") and not name.endswith(".eaf"):
            assert content.replace(b"local://", b"") == expected[name], name
    record, other = (
        json.loads((folder / ".emoview" / "day1" / "talk 0.json").read_text()) for folder in (tmp_path, local)
    )
    assert record["key"] == {**other["key"], "path": f"{address}/day1/talk 0.mp4"}
    assert record["row"] == {**other["row"], "path": f"{address}/day1/talk 0.mp4"}
    assert f'MEDIA_URL="{address}/day1/talk 0.mp4"' in (tmp_path / "day1" / "talk 0.eaf").read_text()
    # A pattern finds the same, and what is done is known as done.
    steps = plan(clips_of([f"{address}/**/*.mp4"]), place_of(results), WANTED, resume=True)
    assert [step.clip.path for step in steps] == [clip.path for clip in found]
    assert [step.clip.name for step in steps if step.row is not None] == ["day1/talk 0"]


def test_ctrl_c_stops_the_workers_too(client: distributed.Client, clips: Path, tmp_path: Path):
    for number in range(5):
        (tmp_path / f"{number} slow.mp4").write_bytes(b"x")
    process = subprocess.Popen(
        [sys.executable, "-m", "emoview", "batch", str(tmp_path), "-o", str(tmp_path / "out"),
         "--cluster", client.scheduler.address],
        stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while len(busy(client)) < 3:
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "interrupted: 0 of 5" in error
    assert "Traceback" not in error
    # Workers whose clip went on for ever would take no other.
    run_there(client, [Clip(clips / "text.mp4", str(n)) for n in range(3)], tmp_path / "next")
    assert not busy(client)
    assert not [name for name in tree(tmp_path) if "cluster-" in name or name.endswith(".part")]


def test_a_cluster_that_does_not_do_is_refused_in_a_sentence(
    client: distributed.Client, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    address, found = client.scheduler.address, [Clip(clips / "text.mp4", "text")]
    gpu = Wanted(Options(device="gpu"), ("csv",))
    with pytest.raises(ClusterError, match=r"no workers with a GPU: .*--resources GPU=1"):
        run_batch(found, tmp_path, gpu, workers=ClusterPool(address, tmp_path, gpu))
    monkeypatch.setattr("emoview.__version__", "9.9")
    with pytest.raises(ClusterError, match=r"has emoview 0\.1\.0, this is 9\.9"):
        run_there(client, found, tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(cluster_module, "hash_of_weights", lambda *_: "other")
    with pytest.raises(ClusterError, match="has other weights"):
        run_there(client, found, tmp_path)
    monkeypatch.undo()
    # What only this process sees is what a folder of another machine is.
    with pytest.raises(ClusterError, match="does not see memory://unshared"):
        run_there(client, found, place_of("memory://unshared"))
    with pytest.raises(ClusterError, match="no scheduler file"):
        ClusterPool(str(tmp_path / "none.json"), tmp_path, WANTED)._connect()
    monkeypatch.setattr(cluster_module, "_PATIENCE_S", 0.3)
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at 127.0.0.1:9"):
        ClusterPool("127.0.0.1:9", tmp_path, WANTED)._connect()


@pytest.fixture
def store() -> Iterator[Remote]:
    yield Remote("memory://bucket")
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


def test_an_address_is_written_whole_and_read_back(store: Remote, tmp_path: Path):
    place = store / "day1" / "talk.csv"
    write_whole(place, "é")
    write_whole(place, "other")
    assert place.read_text() == "other"
    assert (place.stat().st_size, place.name, place.suffix, str(place.parent)) == (
        5, "talk.csv", ".csv", "memory://bucket/day1",
    )  # fmt: skip
    # What a writer that was killed left.
    left = Remote("memory://bucket/day1/.talk.csv.part")
    fsspec.filesystem("memory").pipe_file("/bucket/day1/.talk.csv.part", b"half")
    assert left.stat().st_size == 4
    sweep(place)
    sweep(place)
    assert [str(file) for file in store.find()] == ["memory://bucket/day1/talk.csv"]
    with fetched(place) as path:
        assert path.read_text() == "other"
        assert path.suffix == ".csv"
    assert not path.parent.exists()
    with pytest.raises(InputError, match="memory://bucket/none does not exist"), fetched(store / "none"):
        pass
    with pytest.raises(InputError, match=r"^memory://bucket/day1/talk.csv is odd"), fetched(place) as path:
        raise InputError(f"{path} is odd")
    assert place_of(f"file://{tmp_path}/a.mp4") == tmp_path / "a.mp4"


def test_a_failed_move_leaves_what_was_there(store: Remote, monkeypatch: pytest.MonkeyPatch):
    place = store / "a.csv"
    write_whole(place, "old")
    memory = type(fsspec.filesystem("memory"))

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("the line is cut")

    monkeypatch.setattr(memory, "mv", fail)
    with pytest.raises(OutputError, match=r"memory://bucket/a.csv cannot be written \(the line is cut\)"):
        write_whole(place, "new")
    assert place.read_text() == "old"
    assert len(store.find()) == 1


def test_a_store_of_whole_objects_is_asked_once_for_each(store: Remote, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storage, "_OBJECT_STORES", {"memory"})
    memory = type(fsspec.filesystem("memory"))
    for name in ("mv", "makedirs", "rm_file"):
        monkeypatch.setattr(memory, name, None, raising=False)
    write_whole(store / "a.csv", "whole")
    sweep(store / "a.csv")
    monkeypatch.undo()
    assert [file.read_text() for file in store.find()] == ["whole"]


def test_inputs_behind_addresses(store: Remote, tmp_path: Path):
    for name in ("b.mp4", "day1/a.mp4", "day1/.hidden.mp4", "day1/notes.md", "day1/x/c.wav", ".h/d.mp4"):
        write_whole(store / name, name)
    assert [clip.name for clip in clips_of(["memory://bucket/"])] == ["b", "day1/a", "day1/x/c"]
    assert [clip.name for clip in clips_of(["memory://bucket/day1/*.mp4"])] == ["a"]
    assert [clip.name for clip in clips_of(["memory://bucket/*/*.mp4", "memory://bucket/day1/a.mp4"])] == [
        "day1/a"
    ]
    write_whole(store / "list.csv", "path,start_s\nday1/a.mp4,1\nmemory://bucket/b.mp4,\n/here/b.mp4,\n")
    assert [(str(c.path), c.name) for c in clips_of(["memory://bucket/list.csv"])] == [
        ("memory://bucket/day1/a.mp4", "day1/a_1-end"), ("memory://bucket/b.mp4", "bucket/b.mp4"),
        ("/here/b.mp4", "here/b.mp4"),
    ]  # fmt: skip
    (tmp_path / "list.txt").write_text("memory://bucket/b.mp4\n")
    (clip,) = clips_of([str(tmp_path / "list.txt")])
    assert (clip.path, clip.name) == (store / "b.mp4", "b")
    for nothing in ("memory://bucket/none/*.mp4", "memory://bucket/day1/*.mov"):
        with pytest.raises(InputError, match="no media file"):
            clips_of([nothing])
    with pytest.raises(InputError, match=r"nope://x cannot be reached: .*nope"):
        clips_of(["nope://x"])


def test_resume_state_behind_an_address(store: Remote):
    write_whole(store / "a.mp4", b"content")
    clip, folder = Clip(store / "a.mp4", "a", Stretch(1.0)), store / "out"
    wanted = Wanted(Options(), ("csv",))
    records = Records(folder, wanted)
    write_whole(folder / "a.csv", "result")
    write_record(folder, "a", records.key(clip), [folder / "a.csv"], row_of_failure(clip, "x"))
    assert plan([clip], folder, wanted, resume=True)[0].row is not None
    write_whole(store / "a.mp4", b"changed")
    assert plan([clip], folder, wanted, resume=True)[0].row is None
    records.discard(clip)
    assert [str(file) for file in folder.find()] == []
    assert json.dumps(records.key(Clip(store / "none.mp4", "n"))) == "null"
