"""Small good inputs of every kind that a command reads, which the fuzzer then damages."""

from __future__ import annotations

import csv
import io
import json
import math
import struct
import wave
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from emoview.timeline.labels import LABELS

from .common import ROOT, ffmpeg, talk

_MEDIA: dict[str, tuple[str, ...]] = {
    "clip.mp4": ("-c", "copy"),
    "clip.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"),
    "clip.wav": ("-vn",),
    "clip.ts": ("-c", "copy"),
    "clip.avi": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "clip.mkv": ("-c", "copy"),
    "clip.mp3": ("-vn",),
    "clip.ogg": ("-vn", "-c:a", "libvorbis"),
    "clip.flv": ("-c:v", "flv1", "-ar", "44100"),
    "clip.gif": ("-an", "-s", "80x80"),
    "clip.flac": ("-vn",),
    "clip.mov": ("-c:v", "mjpeg", "-c:a", "pcm_s16be"),
}


def media(root: Path) -> None:
    """Make half a second of a face and a voice in many containers."""
    source = talk(root / ".base", seconds=0.5, size=120)
    for name, options in _MEDIA.items():
        ffmpeg("-i", source, *options, _in(root, name.replace(".", "-")) / name)


def results(root: Path) -> None:
    """Analyse a clip, plainly and with explanations."""
    from emoview.output.json import to_json
    from emoview.pipeline.analysis import analyze
    from emoview.timeline.options import Options

    clip = talk(root / ".base", seconds=0.8, size=120)
    for name, options in (("plain", Options()), ("explained", Options(explain=True, face="all"))):
        _in(root, name).joinpath("clip.json").write_text(to_json(analyze(clip, options=options)))


def lists(root: Path) -> None:
    """Write lists of clips, of both sorts."""
    _in(root, "lines").joinpath("list.txt").write_text(
        "# clips\na.mp4\nday one/b.mp4\n/tmp/c.wav\n../d.mov\n"
    )
    table = "path,start_s,end_s\na.mp4,0,1.5\nb.mp4,2,\nday/c.mp4,,\na.mp4,3.25,4\n"
    _in(root, "table").joinpath("list.csv").write_text(table)


def config(root: Path) -> None:
    """Write options for two commands."""
    _in(root, "toml").joinpath("emoview.toml").write_text(
        '[analyze]\nlabels = 3\nmax-faces = 2\nformat = ["csv", "json"]\nexplain = true\nface = "all"\n\n'
        '[batch]\nworkers = 2\nfail-fast = false\nmodality = "voice"\n'
    )


def baselines(root: Path) -> None:
    """Write a baseline of one person."""
    from emoview.fusion.baseline import Baseline
    from emoview.fusion.personal import Person
    from emoview.networks.sizes import EMBEDDING
    from emoview.networks.weights import shipped
    from emoview.pipeline.models import FUSION_FILE

    names = ("voice_tcn", "voice_clip")
    face = Person(np.linspace(0, 1, EMBEDDING), np.linspace(0.1, 1, EMBEDDING), 9)
    logits = {name: np.linspace(-1, 1, len(LABELS)) for name in names}
    text = Baseline(shipped(FUSION_FILE).sha256, dict.fromkeys(names, 9), logits, face).text
    _in(root, "one").joinpath("person.json").write_text(text)


def imports(root: Path) -> None:
    """Write what other programs found."""
    from tests.made_up_tables import feat, openface

    openface(_in(root, "openface") / "talk.csv", 12)
    feat(_in(root, "feat") / "talk.csv", 12)


def annotations(root: Path) -> None:
    """Write what a person said of a clip, as tables and as a tier."""
    _in(root, "spans").joinpath("coded.csv").write_text(
        "start_s,end_s,label,valence\n0,0.4,happy,0.5\n0.4,0.8,sad,-0.25\n"
    )
    _in(root, "moments").joinpath("coded.csv").write_text(
        "time_s;label;arousal\n0;happy;0.1\n0.2;neutral;0\n0.4;happy;-1\n"
    )
    _in(root, "tier").joinpath("coded.eaf").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT><TIME_ORDER>\n'
        '<TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="b" TIME_VALUE="600"/>\n'
        '</TIME_ORDER><TIER TIER_ID="coder"><ANNOTATION>\n'
        '<ALIGNABLE_ANNOTATION ANNOTATION_ID="x" TIME_SLOT_REF1="a" TIME_SLOT_REF2="b">\n'
        "<ANNOTATION_VALUE>happy</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>\n</ANNOTATION></TIER>"
        "</ANNOTATION_DOCUMENT>\n"
    )


def weights(root: Path) -> None:
    """Take the weights that ship, small files only, with links to the others."""
    folder = _in(root, "shipped")
    for file in sorted((ROOT / "weights").iterdir()):
        if file.suffix in (".json", ".md"):
            (folder / file.name).write_bytes(file.read_bytes())
        else:
            # Whoever damages one removes it first, so the file that ships stays as it is.
            (folder / file.name).symlink_to(file)


_HALF = {"value": 50.0, "low": 40.0, "high": 60.0}


def runs(root: Path) -> None:
    """Make a run folder with a tiny network, as training leaves it."""
    import keras

    from emoview.networks.runs import NetworkOfRun, Run
    from emoview.training.systems.catalog import system_named

    folder = root / "trained"
    options = system_named("frame-cnn").options({})
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(len(LABELS))]
    )
    network = NetworkOfRun("frame-cnn", "face", "pictures", LABELS, 8, False, 1.0, model.count_params(), 900)
    run = Run(folder, "frame-cnn", options, ROOT / "samples")
    run.add(network, model, {"accuracy": _HALF, "uar": _HALF, "examples": 9})
    part = run.part("frame-cnn")
    part.mkdir()
    rows = [{"epoch": i, "loss": 1 / i, "accuracy": 0.5, "rate": 1e-3, "seconds": 1.0} for i in (1, 2, 3)]
    part.joinpath("history.json").write_text(json.dumps(rows))


def datasets(root: Path) -> None:
    """Make a tiny data set in each layout that there is a reader for."""
    for make in (_fer2013, _kaggle, _folders, _affectnet, _raf_db, _cohn_kanade, _afew_va, _affect_table,
                 _clip_index, _clip_folders, _speech_index, _speech_names):  # fmt: skip
        make(_in(root, make.__name__.strip("_")))


def _in(root: Path, name: str) -> Path:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _picture(number: int, end: str = ".png", side: int = 16) -> bytes:
    image = np.random.default_rng(number).integers(0, 255, (side, side), dtype=np.uint8)
    return cv2.imencode(end, image)[1].tobytes()


def _table(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _put(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _fer2013(folder: Path) -> None:
    words = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "contempt")
    rows: list[list[object]] = [["image", "label", *(f"votes_{word}" for word in words)]]
    with zipfile.ZipFile(folder / "train.zip", "w") as archive:
        for i, label in enumerate(LABELS):
            archive.writestr(f"{i}.png", _picture(i))
            rows.append([f"{i}.png", label, *(9 if j == i else 0 for j in range(len(words)))])
    _put(folder / "train.csv", _table(rows))


def _kaggle(folder: Path) -> None:
    pixels = " ".join(str(i % 256) for i in range(48 * 48))
    rows = [["emotion", "pixels", "Usage"], *([i, pixels, "Training"] for i in range(3))]
    _put(folder / "fer2013.csv", _table(rows))
    words = [
        "neutral",
        "happiness",
        "surprise",
        "sadness",
        "anger",
        "disgust",
        "fear",
        "contempt",
        "unknown",
        "NF",
    ]
    votes = [["Usage", "Image name", *words], *(["Training", f"{i}.png", *_votes(i)] for i in range(3))]
    _put(folder / "fer2013new.csv", _table(votes))


def _votes(most: int) -> list[int]:
    return [10 if i == most else 0 for i in range(10)]


def _folders(folder: Path) -> None:
    for i, label in enumerate(LABELS[:4]):
        _put(folder / "train" / label / f"{i}.png", _picture(i))
        _put(folder / "valid" / label / f"{i}.jpg", _picture(i + 9, ".jpg"))


def _affectnet(folder: Path) -> None:
    for i in range(3):
        _put(folder / "train_set" / "images" / f"{i}.jpg", _picture(i, ".jpg"))
        for kind, value in (("exp", str(i)), ("val", "0.5"), ("aro", "-0.25")):
            content = io.BytesIO()
            np.save(content, np.array(value))
            _put(folder / "train_set" / "annotations" / f"{i}_{kind}.npy", content.getvalue())


def _raf_db(folder: Path) -> None:
    for i in range(1, 4):
        _put(folder / "basic" / "Image" / "aligned" / f"train_{i:05}_aligned.jpg", _picture(i, ".jpg"))
    lines = "".join(f"train_{i:05}.jpg {i}\n" for i in range(1, 4))
    _put(folder / "basic" / "EmoLabel" / "list_patition_label.txt", lines)


def _cohn_kanade(folder: Path) -> None:
    for person in (5, 6):
        place = Path(f"S{person:03}") / "001"
        for i in range(1, 5):
            _put(folder / "cohn-kanade-images" / place / f"S{person:03}_001_{i:08}.png", _picture(i))
        _put(folder / "Emotion" / place / f"S{person:03}_001_00000004_emotion.txt", "   3.0000000e+00\n")


def _afew_va(folder: Path) -> None:
    points = [[float(i % 16), float(i // 5)] for i in range(68)]
    frame = {"landmarks": points, "valence": 3.0, "arousal": -2.0}
    for i in range(2):
        _put(folder / "001" / f"{i:05}.png", _picture(i))
    frames = {f"{i:05}": frame for i in range(2)}
    _put(folder / "001" / "001.json", json.dumps({"video_id": "001", "actor": "x", "frames": frames}))


def _affect_table(folder: Path) -> None:
    for i in range(3):
        _put(folder / f"{i}.png", _picture(i))
    rows = [
        ["frame", "valence", "arousal", "video"],
        *([f"{i}.png", 0.1 * i, -0.1 * i, f"v{i}"] for i in range(3)),
    ]
    _put(folder / "frames.csv", _table(rows))


def _clip_index(folder: Path) -> None:
    rows = [["path", "label", "actor", "sentence", "part"]]
    for i, label in enumerate(LABELS[:3]):
        _put(folder / f"{i}.mp4", b"clip")
        rows.append([f"{i}.mp4", label, f"a{i}", "1", "train"])
    _put(folder / "index.csv", _table(rows))


def _clip_folders(folder: Path) -> None:
    for part in ("Train_AFEW", "Val"):
        for label in ("Happy", "Sad"):
            _put(folder / part / label / "1.avi", b"clip")


def _speech_index(folder: Path) -> None:
    rows = [["path", "corpus", "speaker", "label"]]
    for i, label in enumerate(LABELS[:3]):
        _put(folder / f"{i}.wav", _sound())
        rows.append([f"{i}.wav", "mine", f"s{i}", label])
    _put(folder / "index.csv", _table(rows))


def _speech_names(folder: Path) -> None:
    for name in ("03-01-03-01-01-01-05", "OAF_back_angry", "03a01Fa", "1001_DFA_ANG_XX", "DC_a01"):
        _put(folder / f"{name}.wav", _sound())


def _sound() -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(640))
    return content.getvalue()


def tones(folder: Path) -> None:
    """Write recordings named like RAVDESS, whose pitch follows the label."""
    folder.mkdir(parents=True)
    for actor in range(1, 7):
        for label in (1, 3, 5):
            for take in (1, 2):
                # No two alike: what is the same twice must not stand on both sides.
                step = (200 + 400 * label + 6 * actor + take) * math.tau / 16_000
                values = (int(8000 * math.sin(i * step)) for i in range(8000))
                name = f"03-01-{label:02d}-01-01-{take:02d}-{actor:02d}.wav"
                with wave.open(str(folder / name), "wb") as file:
                    file.setparams((1, 2, 16_000, 0, "NONE", ""))
                    file.writeframes(struct.pack("<8000h", *values))


MAKERS: dict[str, Callable[[Path], None]] = {
    "media": media, "results": results, "lists": lists, "config": config, "baselines": baselines,
    "runs": runs,
    "datasets": datasets, "weights": weights, "annotations": annotations, "imports": imports,
}  # fmt: skip
"""By kind: makes the good inputs, each in a folder of its own below the one that is given."""
