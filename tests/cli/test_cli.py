"""The command as a user runs it: what is written, what is printed, how it fails."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from command import run
from conftest import Make
from expected import ONE_PICTURE, PLAIN, SAMPLE

from emoview import LABELS, Analysis
from emoview.output.csv import to_csv
from emoview.output.json import schema, to_json
from emoview.timeline.measures import MEASURE_COLUMNS
from emoview.timeline.results import COLUMNS


def test_analyze_writes_csv_and_json_and_prints_nothing_foreign(made: Make, tmp_path: Path):
    clip = made(PLAIN)
    done = run("analyze", clip, "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    # The result goes to the standard output, and what was done to the standard error.
    assert "plain.mp4 ─" in done.stdout
    assert done.stderr.splitlines() == [f"wrote {tmp_path / name}" for name in ("plain.csv", "plain.json")]
    for foreign in ("tensorflow", "W0000", "INFO:", "XNNPACK", "absl", "cuda", "Warning"):
        assert foreign not in done.stdout + done.stderr
    with (tmp_path / "plain.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # Two seconds, and what the sound's last coded frame adds.
    assert PLAIN.ticks <= len(rows) <= PLAIN.ticks + PLAIN.padding
    assert [int(row["tick"]) for row in rows] == list(range(len(rows)))
    assert tuple(rows[0]) == (*COLUMNS, *MEASURE_COLUMNS)
    assert rows[0]["voice_happy"] == ""
    assert float(rows[30]["time_s"]) == pytest.approx(1.2)
    document = json.loads((tmp_path / "plain.json").read_text())
    jsonschema.validate(document, schema())
    assert document["overall"]["label"] in LABELS
    assert sorted(p.name for p in tmp_path.iterdir()) == ["plain.csv", "plain.json"]


def test_json_to_standard_output_is_json_alone(made: Make, tmp_path: Path):
    done = run("analyze", made(PLAIN), "--json", "-", "--labels", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["overall"]["label"] in ("positive", "neutral", "negative")
    assert list(tmp_path.iterdir()) == []


def test_odd_names_are_read_and_written(made: Make, tmp_path: Path):
    name = "-i o'clock \"é 日本\n;$(x).mp4"
    clip = tmp_path / name
    clip.write_bytes(made(ONE_PICTURE).read_bytes())
    done = run("analyze", "-o", tmp_path / "out", "-q", "--", clip.name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (tmp_path / "out" / f"{clip.stem}.csv").exists()


def _bad(folder: Path, made: Make) -> dict[str, Path]:
    whole = made(PLAIN).read_bytes()
    files = {
        "empty.mp4": b"",
        "text.mp4": b"this is no video\n" * 50,
        "truncated.mp4": whole[: len(whole) // 2],
        "random.mp4": os.urandom(5000),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return {
        "does not exist": folder / "missing.mp4",
        "is empty": folder / "empty.mp4",
        "not a media file": folder / "text.mp4",
        "truncated": folder / "truncated.mp4",
        "random.mp4": folder / "random.mp4",
        "is a directory": folder,
    }


def test_bad_input_is_one_line_and_exit_code_1(made: Make, tmp_path: Path):
    for words, path in _bad(tmp_path, made).items():
        out = tmp_path / "out"
        done = run("analyze", path, "-o", out)
        assert done.returncode == 1, (words, done.stderr)
        assert done.stderr.startswith("error: "), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        assert words in done.stderr
        assert path.name in done.stderr
        assert "Traceback" not in done.stderr
        assert not out.exists()


def test_debug_shows_the_traceback(tmp_path: Path):
    done = run("analyze", tmp_path / "missing.mp4", env={"EMOVIEW_DEBUG": "1"})
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    "wrong",
    [("--labels", "5"), ("--format", "xml"), ("--face", "left"), ("--fusion", "x"), ("--max-faces", "0")],
)
def test_wrong_usage_is_exit_code_2(sample: Path, wrong: tuple[str, str]):
    assert run("analyze", sample, *wrong).returncode == 2


_STOPPED = """
import os, signal
from emoview.cli.console import Terminal
with Terminal().reporting():
    try:
        os.kill(os.getpid(), signal.{})
    except KeyboardInterrupt:
        raise SystemError("initialization failed") from None
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_what_is_stopped_while_a_library_is_loaded_is_not_broken(name: str):
    done = subprocess.run(
        [sys.executable, "-c", _STOPPED.format(name)], capture_output=True, text=True, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")


def test_an_unwritable_folder_is_said_in_one_line(made: Make, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    done = run("analyze", made(ONE_PICTURE), "-o", tmp_path / "file", "-q")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert (tmp_path / "file").read_text() == "in the way"


def test_absent_gpu_is_an_error(made: Make, tmp_path: Path):
    done = run(
        "analyze", made(ONE_PICTURE), "--device", "gpu", "-o", tmp_path,
        env={"CUDA_VISIBLE_DEVICES": "-1"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "no GPU" in done.stderr


def test_written_forms_agree(result: Analysis):
    document = json.loads(to_json(result))
    jsonschema.validate(document, schema())
    rows = list(csv.DictReader(to_csv(result).splitlines()))
    assert len(rows) == len(document["timeline"]) == SAMPLE.ticks
    for flat, row in zip(rows, document["timeline"], strict=True):
        assert flat["label"] == (row["label"] or "")
        if row["fused"]:
            assert float(flat["fused_happy"]) == pytest.approx(row["fused"]["happy"])
    assert "nan" not in to_csv(result).lower()


def _train(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emoview", "train", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_train_lists_its_systems_and_wants_data():
    listed = _train("--list")
    for name in ("image-landmark", "mfcc-cnn", "clip-fusion", "shallow-deep"):
        assert name in listed.stdout
    for arguments, code in (
        (["frame-cnn"], 2),
        (["nothing", "--data", "."], 1),
        (["voice", "--data", ".", "--refine"], 2),
        (["face", "--data", ".", "--unheard-corpora"], 2),
    ):
        done = _train(*arguments)
        assert done.returncode == code
        assert "Traceback" not in done.stderr
        assert "unexpected" not in done.stderr


def test_a_training_that_cannot_begin_leaves_nothing(tmp_path: Path):
    rng = np.random.default_rng(0)
    for part in ("train", "valid"):
        for label in ("happy", "sad"):
            (tmp_path / "faces" / part / label).mkdir(parents=True)
            for i in range(3):
                picture = rng.integers(0, 255, (48, 48), np.uint8)
                cv2.imwrite(str(tmp_path / "faces" / part / label / f"{i}.png"), picture)
    arguments = ["shallow-deep", "--data", str(tmp_path / "faces"), "-o", str(tmp_path / "run")]
    done = _train(*arguments, "--set", "network=bkmin", "--set", "batch=1000")
    assert done.returncode == 1
    assert "too few examples for one batch" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("of_a_library", "said"),
    [
        (
            "{{function_node}} OOM when allocating tensor with shape[2000000000000,256]",
            "out of memory: take a",
        ),
        (
            "cannot cache function '__o_fold': no locator available for file",
            "compiled functions cannot be kept",
        ),
    ],
)
def test_what_libraries_lack_is_told(of_a_library: str, said: str):
    code = (
        "from emoview.cli.console import Terminal\n"
        f"with Terminal().reporting():\n    raise RuntimeError({of_a_library!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {said}")


@pytest.mark.parametrize(
    "words",
    [
        ["study", "s3://bucket/plan.csv", "-o", "out"],
        ["study", "plan.csv", "-o", "s3://bucket/out"],
        ["analyze", "a.mp4", "-o", "https://host/a.json"],
        ["plot", "s3://bucket/a.json"],
        ["baseline", "a.mp4", "-o", "gs://bucket/b.json"],
    ],
)
def test_an_address_is_no_file(words: list[str], tmp_path: Path):
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "must be a file or folder of this" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_may_be_called_as_an_address_is(tmp_path: Path):
    (tmp_path / "s3:" / "bucket").mkdir(parents=True)
    done = run("plot", "s3:/bucket/a.json", cwd=tmp_path)
    assert done.returncode == 1
    assert "a.json cannot be read" in done.stderr
