"""emoview as a library: what goes in, what comes out, and what is not said."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SAMPLE, Make
from made_up import made_up

import emoview
from emoview import Analyzer, InputError, Options, Result
from emoview.media.arrays import write_media
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.pipeline import analysis as pipeline
from emoview.pipeline.check import check

PICTURE = np.full((48, 64, 3), 128, np.uint8)


def children() -> list[str]:
    """Give the numbers of processes that this one has started and that still run."""
    numbers: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        # A thread may end meanwhile.
        with suppress(FileNotFoundError):
            numbers += (task / "children").read_text().split()
    return numbers


def test_a_stream_gives_the_rows_of_the_causal_analysis_one_tick_after_the_other(made: Make):
    clip = made("stream.mp4", "-ss", "1", seconds=0.7)
    analyzer = Analyzer(Options(face="all"), at_once=1)
    first = analyzer.stream(clip)
    assert [row.tick for row in next(first)] == [0]
    # Whoever has seen enough makes room for the next.
    first.close()
    stream = analyzer.stream(clip, end_s=0.4)
    ticks = list(stream)
    whole = emoview.analyze(clip, face="all", causal=True, end_s=0.4)
    assert stream.warnings == whole.warnings
    assert [row for rows in ticks for row in rows] == list(whole.timeline)
    assert len(ticks) == whole.media.ticks == 10
    with pytest.raises(InputError, match="whole recording"):
        next(Analyzer(Options(explain=True)).stream(clip))
    with pytest.raises(InputError, match="--allow-network"):
        next(analyzer.stream("https://127.0.0.1:9/clip.mp4"))


def test_a_thread_that_would_wait_for_its_own_streams_is_told(made: Make):
    clip = made("one.mp4", "-frames:v", "1", "-an")
    with Analyzer(at_once=1) as analyzer:
        half = analyzer.stream(clip)
        next(half)
        for call in (lambda: analyzer.analyze(clip), lambda: next(analyzer.stream(clip))):
            with pytest.raises(InputError, match=r"hold all 1 turns .* make it with at_once=2"):
                call()
        half.close()
        assert len(list(analyzer.stream(clip))) == 1


def test_a_stream_tells_behind_its_rows_that_the_face_was_not_there(made: Make):
    clip = made("one.mp4", "-frames:v", "1", "-an")
    rows = Analyzer(Options(face="9")).stream(clip)
    next(rows)
    with pytest.raises(InputError, match=r"one.mp4 has no face 9: it has face 0"):
        next(rows)
    assert rows.warnings == (
        "no sound: only the face was analysed",
        "less than 0.2 s was analysed: the labels are unreliable",
    )


def test_at_the_end_of_its_block_an_analyzer_ends_its_streams_and_takes_no_more(made: Make):
    clip, before = made("long.mp4", seconds=8.0), set(children())
    closed, said = "this Analyzer is closed: make another", []

    def read(rows: Iterator[Any]) -> None:
        with pytest.raises(InputError, match=closed):
            next(rows)
        said.append("closed")

    with Analyzer(at_once=1) as analyzer:
        half, unread = analyzer.stream(clip), analyzer.stream(clip)
        assert [row.tick for row in next(half)] == [0]
        assert set(children()) - before
        waiting = threading.Thread(target=read, args=(analyzer.stream(clip),))
        waiting.start()
    assert not set(children()) - before
    # It had to wait for the stream that was ended.
    waiting.join(timeout=20)
    assert said == ["closed"]
    for late in (
        lambda: next(half), lambda: next(unread), lambda: analyzer.analyze(clip),
        lambda: analyzer.analyze_arrays([PICTURE]), analyzer.__enter__,
    ):  # fmt: skip
        with pytest.raises(InputError, match=closed):
            late()
    analyzer.close()


def test_a_stream_that_another_thread_reads_ends_when_the_analyzer_is_closed(made: Make):
    analyzer, begun, said = Analyzer(), threading.Event(), []

    def read() -> None:
        try:
            for _ in analyzer.stream(made("long.mp4", seconds=8.0)):
                begun.set()
        except InputError as error:
            said.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    assert begun.wait(timeout=60)
    analyzer.close()
    reader.join(timeout=60)
    assert said == ["this Analyzer is closed: make another"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": 5}, {"labels": "7"}, {"labels": True}, {"modality": "ear"}, {"fusion": "none"},
        {"device": "tpu"}, {"voice_features": "mfcc"}, {"min_segment": -1}, {"min_segment": "1"},
        {"aspect": "wide"}, {"aspect": "0:9"}, {"aspect": "16:0"}, {"aspect": "99:1"},
    ],
)  # fmt: skip
def test_every_choice_is_checked(wrong: dict):
    with pytest.raises(InputError):
        emoview.analyze("missing.mp4", **wrong)
    (name,) = wrong
    with pytest.raises(InputError, match=name):
        check(Options(**wrong))


def test_pictures_with_times_are_those_of_the_ticks(tmp_path: Path):
    pictures = [np.full((32, 32, 3), value, np.uint8) for value in (10, 90, 170, 250)]
    # A gap, then two within one tick.
    write_media(tmp_path / "a.mkv", pictures=iter(pictures), times_s=[0, 0.12, 0.2, 0.24])
    with PictureDecoder(probe(tmp_path / "a.mkv"), longest_side=640) as decoder:
        seen = {tick: int(picture.mean()) for tick, picture in decoder}
    # Colours are off by one where they go through another space.
    assert [seen[tick] for tick in (0, 2, 3, 4, 5, 6)] == pytest.approx([10, 10, 90, 90, 170, 250], abs=1)


def test_before_the_first_picture_nothing_is_shown(tmp_path: Path):
    pictures = [np.full((32, 32, 3), value, np.uint8) for value in (90, 170)]
    write_media(tmp_path / "a.mkv", pictures=pictures, times_s=[0.2, 0.28])
    with PictureDecoder(probe(tmp_path / "a.mkv"), longest_side=640) as decoder:
        seen = {tick: int(picture.mean()) for tick, picture in decoder}
    assert [seen[tick] for tick in range(8)] == pytest.approx([0] * 5 + [90] * 2 + [170], abs=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"pictures": [np.zeros((4, 4), np.uint8)]}, {"pictures": [np.zeros((4, 4, 3))]},
        {"pictures": [PICTURE, PICTURE[:9]]}, {"pictures": [PICTURE] * 2, "times_s": [0]},
        {"pictures": [PICTURE], "times_s": [0, 1]}, {"pictures": [PICTURE] * 2, "times_s": [1, 1]},
        {"samples": np.zeros(9), "rate": 0}, {"samples": np.zeros(9, int), "rate": 9},
        {"samples": np.zeros(9)}, {"samples": np.zeros((1, 2, 3)), "rate": 9},
        {"samples": np.zeros(9), "rate": 9, "times_s": [0]}, {"pictures": [PICTURE], "rate": 9},
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_refused(wrong: dict, tmp_path: Path):
    with pytest.raises(InputError):
        write_media(tmp_path / "a.mkv", **wrong)


def test_bytes_files_and_arrays_go_in(made: Make, tmp_path: Path):
    clip = made("one.mp4", "-frames:v", "1", "-an")
    analyzer = Analyzer()
    from_path, from_bytes = analyzer.analyze(clip), analyzer.analyze(clip.read_bytes())
    with clip.open("rb") as file:
        from_file = analyzer.analyze(file)
    assert from_bytes.timeline == from_file.timeline == from_path.timeline
    assert (from_bytes.media.path, from_file.media.path) == ("bytes", str(clip))
    assert from_bytes.media.sha256 == from_path.media.sha256
    result = analyzer.analyze_arrays([PICTURE] * 5, samples=np.zeros(3200), rate=16_000)
    assert isinstance(result, Result)
    assert (result.media.ticks, result.media.audio_rate) == (5, 16_000)
    assert result.save(tmp_path / "a.json") == tmp_path / "a.json"
    assert emoview.read(tmp_path / "a.json").to_json() == result.to_json()
    assert "arrays" in result._repr_html_()
    assert result.to_csv().startswith("tick,")
    with pytest.raises(InputError, match="says no format"):
        result.save(tmp_path / "a.xyz")


def test_no_more_calls_run_at_once_than_are_allowed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    inside, most = [], []
    gate = threading.Barrier(2, timeout=20)

    def analyze(*_: object, **__: object):
        inside.append(1)
        most.append(len(inside))
        gate.wait()
        inside.pop()
        raise InputError("enough")

    monkeypatch.setattr(pipeline, "analyze", analyze)
    analyzer = Analyzer(at_once=2)

    def call() -> None:
        with pytest.raises(InputError, match="enough"):
            analyzer.analyze(tmp_path / "x.mp4")

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 6
    assert max(most) == 2


def test_nothing_is_said_on_the_standard_error_but_what_others_say(sample: Path):
    code = (
        "import os, emoview\n"
        "def tell(event):\n"
        "    if (event.stage, event.done) == ('face', 1):\n"
        "        os.write(2, b'mine\\n')\n"
        f"emoview.analyze({str(sample)!r}, end_s=0.2, on_event=tell)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120,
        env={name: value for name, value in os.environ.items() if not name.startswith("TF_CPP")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "mine\n")


def test_all_that_is_exported_is_there_and_described():
    for name in emoview.__all__:
        value = getattr(emoview, name)
        assert name == "LABELS" or (value.__doc__ or "").strip(), name
    assert sorted(emoview.__all__, key=str.lower) == sorted(set(emoview.__all__), key=str.lower)


def _closed() -> io.BytesIO:
    file = io.BytesIO(b"x")
    file.close()
    return file


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda _: Analyzer().analyze(3), "a source is a path, bytes, or a file"),
        (lambda _: Analyzer().analyze(io.StringIO("x")), "a file opened for reading bytes"),
        (lambda _: Analyzer().analyze(b"no video"), "^bytes is not a media file"),
        (lambda _: Analyzer().analyze(_closed()), "cannot be read .*: give a file opened for reading"),
        (lambda _: list(Analyzer().stream(b"no video")), "a source of a stream is a path"),
        (lambda _: Analyzer({"labels": 3}), "options must be Options"),
        (
            lambda _: Analyzer(emoview.Options(modality="voice")).analyze_arrays(
                [np.zeros((64, 64, 3), "u1")]
            ),
            "^arrays has no sound",
        ),
        (lambda _: emoview.analyze(SAMPLE, end_s="a"), "end_s must be a number of seconds"),
        (lambda _: emoview.analyze(SAMPLE, merge=[1, 2]), "merge must be groups"),
        (lambda result: result.save("out"), r"end its name in one of \.csv"),
        (
            lambda result: emoview.segments_of(result.timeline, "both"),
            "a modality is one of face, voice, fused",
        ),
    ],
)
def test_what_people_get_wrong_is_said_in_a_sentence(call: Any, said: str):
    with pytest.raises(InputError, match=said):
        call(emoview.Result.of(made_up()))
