"""Whatever is wrong with what is read beside media, it is read or refused in one sentence."""

from __future__ import annotations

import json
import random
import zipfile
from datetime import time
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from emoview.cli.train import given_changes
from emoview.common.stored import read_arrays
from emoview.errors import InputError, WeightsError
from emoview.evaluation.annotations import read_annotations
from emoview.evaluation.comparison import compared
from emoview.fusion.baseline import Baseline
from emoview.fusion.personal import People, Person, PersonalFace
from emoview.networks.weights import MANIFEST, weight_states
from emoview.output.summary_table import failures_of
from emoview.timeline.labels import LABELS
from emoview.training.late_fusion import Predictions, late_fusions, read_predictions
from emoview.training.options import configured
from emoview.training.systems.catalog import SYSTEMS
from tests.reading.damage import damaged_bytes, damaged_json, damaged_table, damaged_zip, survives

TIMES = 200

INTERVAL = {"value": 60.0, "low": 50.0, "high": 70.0}

MEASURED = {"accuracy": INTERVAL, "uar": INTERVAL, "ece": float("nan")}


def _run(folder: Path) -> Path:
    folder.mkdir()
    network = {
        "name": "frame-cnn", "task": "face", "takes": "pictures", "labels": list(LABELS), "size": 48,
        "colour": False, "scale": 1.0, "parameters": 10, "flops": 20,
    }  # fmt: skip
    facts = {
        "system": "frame-cnn", "config": {"batch": 3, "plan": {"epochs": 4}}, "data": "/data",
        "backend": "tensorflow", "versions": {"keras": "3"}, "seconds": 3.5, "peak_megabytes": 4,
        "networks": [network],
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "metrics.json").write_text(json.dumps({"frame-cnn": MEASURED, "rule": MEASURED}))
    (folder / "frame-cnn.keras").write_bytes(b"x" * 100)
    return folder


@pytest.mark.parametrize("name", ["run.json", "metrics.json"])
def test_runs(tmp_path: Path, name: str):
    from emoview.cli.render_training import main_figures

    run = _run(tmp_path / "run")

    def read() -> None:
        for row in compared([run]):
            main_figures(row.figures)

    survives(run / name, damaged_json, read, times=TIMES)


def test_histories(tmp_path: Path):
    from emoview.training.loop import read_history
    from emoview.training.plots import plot_curves

    rows = [
        {
            "epoch": i,
            "rate": 0.1,
            "steps": 3,
            "loss": 0.5,
            "validation_loss": 0.7,
            "validation_accuracy": 40.0,
        }
        for i in (1, 2, 3)
    ]
    file = tmp_path / "history.json"
    file.write_text(json.dumps(rows))

    def read() -> None:
        history = read_history(tmp_path, "validation_accuracy")
        assert all(row["loss"] + row["validation_accuracy"] != "" for row in history)

    survives(file, damaged_json, read, times=TIMES)
    plot_curves(read_history(tmp_path), tmp_path / "curves.png")


def test_baselines(tmp_path: Path):
    file = tmp_path / "mary.json"
    face = Person(np.zeros(4), np.ones(4), 3)
    layer = PersonalFace(People(np.zeros(4), np.ones(4)), np.ones((4, 7)), np.zeros(7))
    file.write_text(Baseline("a" * 64, {"face": 3}, {"voice_clip": np.ones(7)}, face).text)

    def read() -> None:
        baseline = Baseline.read(file, "a" * 64)
        baseline.removed({name: np.zeros((3, 7)) for name in baseline.logits})
        if baseline.face is not None and len(baseline.face.mean) == 4:
            assert np.isfinite(layer(np.ones((3, 4), np.float32), baseline.face)).all()

    survives(file, damaged_json, read, times=TIMES)


def test_the_manifest_of_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import emoview.networks.weights

    monkeypatch.setattr(emoview.networks.weights, "_PACKAGED", tmp_path)
    (tmp_path / MANIFEST).write_text(json.dumps({"a.h5": "a" * 64, "b.json": "b" * 64}))
    (tmp_path / "a.h5").write_bytes(b"x")
    survives(tmp_path / MANIFEST, damaged_json, weight_states, times=TIMES)
    (tmp_path / MANIFEST).write_text('{"a.h5": 5}')
    with pytest.raises(WeightsError, match=r"manifest.json is damaged at \$\[\.\.\.\]"):
        weight_states()


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_options_of_systems(tmp_path: Path, name: str):
    file = tmp_path / "options.json"
    plan = "image" if name == "image-landmark" else "plan"
    options = {"batch": 8, "seed": 2, plan: {"epochs": 3, "rate": 0.1, "schedule": "cosine"}}
    file.write_text(json.dumps(options))
    system = SYSTEMS[name]

    def read() -> None:
        system.options(given_changes(file, ["seed=3"]), "file")

    survives(file, damaged_json, read, times=60)


@pytest.mark.parametrize(
    "pair", ["batch=0", "batch=-1", "batch=NaN", "batch=[[[", "network.x.y=1", "plan.rate.x=1", "plan=5"]
)
def test_options_that_no_system_has(pair: str):
    with pytest.raises(InputError):
        SYSTEMS["frame-cnn"].options(given_changes(None, ["plan.rate=1", pair]), "--set")


def test_a_value_must_be_of_its_kind():
    options = SYSTEMS["frame-cnn"].options({})
    assert configured(options, {"plan": {"rate": 1}}, "x").plan.rate == 1.0
    for changes in (
        {"augmentation": "wild"},
        {"plan": {"optimizer": "sdg"}},
        {"plan": [1]},
        {"start": "a\0b"},
    ):
        with pytest.raises(InputError, match="is not"):
            configured(options, changes, "x")


def test_predictions(tmp_path: Path):
    labels = np.arange(14) % 7
    logits = {"a": np.eye(7, dtype=np.float32)[labels], "b": np.ones((14, 7), np.float32)}
    Predictions(tuple(f"c{i}" for i in range(14)), labels, tuple("ab" * 7), logits).save(tmp_path)
    file = tmp_path / "predictions.npz"
    for damage in (damaged_bytes, damaged_zip):
        survives(file, damage, lambda: read_predictions([tmp_path]), times=TIMES)
    assert late_fusions(read_predictions([tmp_path]), ["a", "b"])


def test_arrays_are_no_pickles_and_no_bombs(tmp_path: Path):
    file = tmp_path / "x.npz"
    np.savez(file, a=np.array([{"x": 1}], object))
    with pytest.raises(InputError, match="is damaged at a"):
        read_arrays(file, "remove it")
    with zipfile.ZipFile(file, "w") as archive:
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }".ljust(117) + b"\n"
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(InputError, match="is damaged at a"):
        read_arrays(file, "remove it")
    np.savez_compressed(file, a=np.zeros(1_000_000))
    with pytest.raises(InputError, match="unpacks to"):
        read_arrays(file, "remove it", most=1_000_000)


ROWS = {
    "commas.csv": "start_s,end_s,label,valence\n0,1,happy,0.5\n1,3,sad,-0.5\n",
    "tabs.csv": "time_s\tlabel\tarousal\n0.5\thappy\t\n1.5\tsad\t0.1\n",
    "boris.tsv": "Observation id\to\n\nTime\tBehavior\tStatus\n0.5\thappy\tSTART\n1.5\thappy\tSTOP\n",
    "elan.txt": "a\t\t00:00:00.5\t0.5\t00:00:01.0\t1.0\thappy\na\t\t00:00:01.0\t1.0\t00:00:02.0\t2.0\tsad\n",
    "short.TextGrid": (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2\n<exists>\n1\n'
        '"IntervalTier"\n"a"\n0\n2\n1\n0\n2\n"happy"\n'
    ),
    "coder.eaf": """<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT><TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="1000"/></TIME_ORDER>
<TIER TIER_ID="a"><ANNOTATION><ALIGNABLE_ANNOTATION TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
<ANNOTATION_VALUE>happy</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>""",
}


@pytest.mark.parametrize("name", list(ROWS))
def test_annotations(tmp_path: Path, name: str):
    file = tmp_path / name
    file.write_text(ROWS[name])
    damage = damaged_bytes if name.endswith(("eaf", "TextGrid")) else damaged_table
    survives(file, damage, lambda: [a.ticks() for a in read_annotations(file)], times=TIMES)


def test_annotations_in_a_workbook(tmp_path: Path):
    book = openpyxl.Workbook()
    for row in (["start_s", "end_s", "label"], [0.5, time(0, 0, 1), "happy"], [1.5, 2, "sad"]):
        book.active.append(row)
    book.save(file := tmp_path / "coder.xlsx")
    survives(file, damaged_zip, lambda: read_annotations(file), times=TIMES)


@pytest.mark.parametrize("text", ["abc", "-5", "9" * 5000, "1e3", "nan"])
def test_times_of_elan_documents(tmp_path: Path, text: str):
    file = tmp_path / "coder.eaf"
    file.write_text(ROWS["coder.eaf"].replace('"1000"', f'"{text}"'))
    with pytest.raises(InputError, match="no stretch in milliseconds"):
        read_annotations(file)


def test_entities_that_multiply_are_refused(tmp_path: Path):
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    file = tmp_path / "bomb.eaf"
    file.write_text(f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{entities}]><x>&a11;</x>')
    with pytest.raises(InputError, match="cannot be read"):
        read_annotations(file)


def test_tables_of_failures(tmp_path: Path):
    file = tmp_path / "summary.csv"
    file.write_text("path,name,error\na.mp4,a,\nb.mp4,b,no sound\n")
    survives(file, damaged_table, lambda: failures_of(file), times=TIMES)


def test_records_of_a_batch(tmp_path: Path):
    from emoview.batch.inputs import Clip
    from emoview.batch.record import Records, Wanted, record_file, write_record
    from emoview.batch.summary import row_of, to_csv, to_json
    from emoview.timeline.options import Options
    from tests.made_up import made_up

    video = tmp_path / "a.mp4"
    video.write_bytes(b"x")
    clip = Clip(video, "a")
    wanted = Wanted(Options(), ("csv",))
    records, outputs = Records(tmp_path, wanted), list(wanted.outputs(tmp_path, "a").values())
    outputs[0].write_text("x")
    write_record(tmp_path, "a", records.key(clip), outputs, row_of(clip, made_up()))
    found = []

    def read() -> None:
        row = records.row(clip, records.key(clip))
        if row is not None:
            found.append(to_csv([row]) + to_json(wanted, [row]))

    file = record_file(tmp_path, "a")
    survives(file, damaged_json, read, times=TIMES)
    assert len(found) > 1

    def discard() -> None:
        outputs[0].write_text("x")
        records.discard(clip)

    other = tmp_path / "b.csv"
    other.touch()
    survives(file, damaged_json, discard, times=TIMES)
    assert video.exists()
    assert other.exists()


def test_files_of_options(tmp_path: Path):
    from typer.testing import CliRunner

    from emoview.cli.main import app

    file = tmp_path / "emoview.toml"
    sound = b'[analyze]\nlabels = 3\nmax-faces = 2\nformat = ["csv", "eaf"]\n[batch]\nworkers = 2\n'
    rng = random.Random(1)
    damaged = [damaged_bytes(sound, rng) for _ in range(TIMES // 4)]
    damaged += [b'[analyze]\noutput = "a\\u0000b"\n', b"[analyze]\nlabels = " + b"[" * 5000, b"x" * 2_000_000]
    for content in damaged:
        file.write_bytes(content)
        done = CliRunner().invoke(app, ["analyze", "--config", str(file), "--help"])
        assert done.exit_code in (0, 2), done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)
