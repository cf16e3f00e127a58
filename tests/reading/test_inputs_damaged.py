"""Whatever is wrong with what is read beside media, it is read or refused in one sentence."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from emoview.cli.train import given_changes
from emoview.common.stored import read_arrays, read_number
from emoview.datasets.affect import read_affect
from emoview.datasets.clips import read_clip_index
from emoview.datasets.pictures import open_pictures
from emoview.datasets.speech import read_speech
from emoview.errors import DatasetError, InputError, WeightsError
from emoview.evaluation.annotations import read_annotations
from emoview.evaluation.comparison import compared
from emoview.fusion.baseline import Baseline
from emoview.networks.runs import configured
from emoview.networks.weights import MANIFEST, weight_states
from emoview.output.summary_table import failures_of
from emoview.timeline.labels import LABELS
from emoview.training.late_fusion import Predictions, late_fusions, read_predictions
from emoview.training.systems.catalog import SYSTEMS
from tests.reading.damage import damaged_bytes, damaged_json, damaged_table, damaged_zip, survives

TIMES = 200
INTERVAL = {"value": 60.0, "low": 50.0, "high": 70.0}
MEASURED = {"accuracy": INTERVAL, "uar": INTERVAL, "ece": float("nan")}


def _png(side: int = 48) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


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
    file.write_text(Baseline("a" * 64, {"face": 3}, {"face_gru": np.zeros(7), "voice_clip": np.ones(7)}).text)

    def read() -> None:
        baseline = Baseline.read(file, "a" * 64)
        baseline.removed({name: np.zeros((3, 7)) for name in baseline.logits})

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
        with pytest.raises(InputError, match="not of the kind"):
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
    "coder.eaf": """<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT><TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="1000"/></TIME_ORDER>
<TIER TIER_ID="a"><ANNOTATION><ALIGNABLE_ANNOTATION TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
<ANNOTATION_VALUE>happy</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>""",
}


@pytest.mark.parametrize("name", list(ROWS))
def test_annotations(tmp_path: Path, name: str):
    file = tmp_path / name
    file.write_text(ROWS[name])
    damage = damaged_bytes if name.endswith("eaf") else damaged_table
    survives(file, damage, lambda: [a.ticks() for a in read_annotations(file)], times=TIMES)


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


def _datasets(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Small data sets of every layout: the file to damage, and the folder."""
    picture, found = _png(), {}
    pixels = " ".join(["7"] * 48 * 48)
    files = {
        "kaggle/fer2013.csv": f"emotion,pixels,Usage\n3,{pixels},Training\n4,{pixels},PublicTest\n",
        "kaggle/fer2013new.csv": "Usage,neutral,anger,disgust,fear,happiness,sadness,surprise\n"
        "Training,1,2,0,0,0,0,0\n"
        "PublicTest,0,0,0,0,9,0,0\n",
        "fer/train.csv": "image,label,votes_neutral,votes_anger,votes_disgust,votes_fear,votes_happiness,"
        "votes_sadness,votes_surprise,votes_NF\na.png,happy,0,0,0,0,5,0,0,1\nb.png,sad,0,0,0,0,0,9,0,0\n",
        "raf/basic/EmoLabel/list_patition_label.txt": "train_1.jpg 5\ntest_1.jpg 2\n",
        "ck/Emotion/S001/001/S001_001_emotion.txt": "   3.0000000e+00\n",
        "speech/index.csv": "path,corpus,speaker,label\na.wav,x,1,happy\nb.wav,x,2,calm\n",
        "clips/index.csv": "path,label,actor,part\na.mp4,happy,1,train\nb.mp4,sad,2,test\n",
        "table/frames.csv": "frame,valence,arousal,video\na.png,0.5,-0.5,v\nb.png,0,1,w\n",
        "afew/001/001.json": json.dumps({"video_id": "001", "frames": {"00000": {
            "landmarks": [[i % 8 * 5.0, i // 8 * 5.0] for i in range(68)], "valence": 1, "arousal": 2.0,
        }}}),
    }  # fmt: skip
    pictures = [
        "raf/basic/Image/aligned/train_1_aligned.jpg", "raf/basic/Image/aligned/test_1_aligned.jpg",
        *(f"ck/cohn-kanade-images/S001/001/{i}.png" for i in range(4)), "table/a.png", "table/b.png",
        "afew/001/00000.png", "affectnet/train_set/images/1.jpg", "folders/train/happy/1.png",
        "folders/train/sad/1.png",
    ]  # fmt: skip
    sounds = ["speech/a.wav", "speech/b.wav", "clips/a.mp4", "clips/b.mp4"]
    for name, content in {**files, **dict.fromkeys(pictures, picture), **dict.fromkeys(sounds, b"x")}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found[name.replace("/", " ")] = (path, folder / name.split("/")[0])
    place = folder / "affectnet/train_set/annotations"
    place.mkdir()
    for kind in ("exp", "val", "aro"):
        np.save(place / f"1_{kind}.npy", np.array("1"))
        found[f"affectnet {kind}"] = (place / f"1_{kind}.npy", folder / "affectnet")
    for name, members in (
        ("fer/train.zip", ["a.png", "b.png"]),
        ("packed/train.zip", ["happy/a.png", "sad/b.png"]),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(folder / name, "w") as archive:
            for member in members:
                archive.writestr(member, picture)
        found[name.replace("/", " ")] = (folder / name, (folder / name).parent)
    return found


def _read(folder: Path) -> None:
    name = folder.name
    if name == "speech":
        read_speech(folder)
    elif name == "clips":
        for clip in read_clip_index(folder):
            clip.path.relative_to(folder)
    elif name in ("table", "afew"):
        affect = read_affect(folder / "frames.csv" if name == "table" else folder)
        for i in range(len(affect)):
            affect.crop(i, 32)
    else:
        part = {"kaggle": "train", "raf": "train"}.get(name)
        pictures = open_pictures(folder, part)
        for i in range(len(pictures)):
            pictures.picture(i, size=32)
        pictures.check()
        if name in ("kaggle", "fer"):
            open_pictures(folder, part, truth="votes")


DAMAGE = {".csv": damaged_table, ".json": damaged_json, ".zip": damaged_zip, ".txt": damaged_table}


def test_data_sets(tmp_path: Path):
    for file, folder in _datasets(tmp_path).values():
        if file.suffix not in (".wav", ".mp4"):
            damage = DAMAGE.get(file.suffix, damaged_bytes)
            survives(file, damage, lambda folder=folder: _read(folder), times=TIMES // 4)
    survives(
        tmp_path / "affectnet/train_set/annotations/1_val.npy", damaged_bytes,
        lambda: read_affect(tmp_path / "affectnet"), times=TIMES,
    )  # fmt: skip


def test_archives_that_unpack_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from emoview.datasets import files

    monkeypatch.setattr(files, "_MOST_UNPACKED", 10**6)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("happy/a.png", b"\0" * 2 * 10**6)
    (tmp_path / "train.zip").write_bytes(packed.getvalue())
    with pytest.raises(DatasetError, match="unpacks to"):
        open_pictures(tmp_path)


def test_clips_outside_the_folder_are_refused(tmp_path: Path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "a.mp4").touch()
    for path in ("../a.mp4", str(tmp_path / "a.mp4")):
        (tmp_path / "clips" / "index.csv").write_text(f"path,label\n{path},happy\n")
        with pytest.raises(DatasetError, match="line 2: the path leads out"):
            read_clip_index(tmp_path / "clips")


def test_a_number_of_affectnet(tmp_path: Path):
    file = tmp_path / "x.npy"
    for value, expected in ((np.array("3"), 3.0), (np.array(0.5), 0.5), (np.array([2]), 2.0)):
        np.save(file, value)
        assert read_number(file, "x") == expected
    np.save(file, np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="does not hold one number"):
        read_number(file, "x")


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


def test_pictures_that_unpack_to_gigabytes(tmp_path: Path):
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 3_751 * 1_000)
    (tmp_path / "happy").mkdir()
    (tmp_path / "happy" / "large.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    with pytest.raises(DatasetError, match="cannot be decoded"):
        open_pictures(tmp_path).picture(0, size=32)
