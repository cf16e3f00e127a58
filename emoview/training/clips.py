"""Labelled audio-visual clips: finding faces and speech in each once, and embedding them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.face.align import network_input
from emoview.media.decode import DecodeLog, read_sound
from emoview.media.probe import probe
from emoview.networks.face_cnn import FACE_SIZE
from emoview.pipeline.models import FACE_BATCH, run_faces
from emoview.pipeline.stages import describe_windows, find_faces
from emoview.pipeline.timings import Timings
from emoview.timeline.labels import LABELS
from emoview.voice.activity import voice_activity
from emoview.voice.descriptors import tick_features


@dataclass(frozen=True)
class Clip:
    """A clip with what the networks take.

    Attributes:
        actor: Who acts.
        label: Position in `LABELS`.
        face_ticks: `(faces,)`, ticks of the pictures with a face.
        faces: `(faces, 48, 48)` uint8, aligned and grey.
        features: `(ticks, 105)`, of the voice.
        speech: `(ticks,)`.
        windows: `(windows, 2)`, first tick and tick after the last.
        functionals: `(windows, 6373)`.
    """

    actor: str
    label: int
    face_ticks: NDArray[np.int64]
    faces: NDArray[np.uint8]
    features: NDArray[np.float32]
    speech: NDArray[np.bool_]
    windows: NDArray[np.int64]
    functionals: NDArray[np.float32]


_ARRAYS = ("face_ticks", "faces", "features", "speech", "windows", "functionals")


def read_clips(
    folder: Path, cache: Path, *, on_file: Callable[[int, int], None] = lambda done, total: None
) -> list[Clip]:
    """Describe, or read back, every clip of a folder with `index.csv`."""
    with (folder / "index.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    cache.mkdir(parents=True, exist_ok=True)
    clips = []
    for i, row in enumerate(rows):
        file = cache / f"clip-{Path(row['path']).stem}.npz"
        if not file.exists():
            partial = cache / f"partial-{file.name}"
            np.savez(partial, **_describe(folder / row["path"]))
            partial.replace(file)
        with np.load(file) as stored:
            arrays = {name: stored[name] for name in _ARRAYS}
        clips.append(Clip(row["actor"], LABELS.index(row["label"]), **arrays))
        on_file(i + 1, len(rows))
    return clips


def _describe(path: Path) -> dict[str, NDArray[Any]]:
    media = probe(path)
    ticks, faces = [], []
    for tick, found in find_faces(media, max_faces=1, timings=Timings(), log=DecodeLog()):
        for one in found:
            ticks.append(tick)
            faces.append(network_input(one.face, FACE_SIZE)[..., 0])
    pcm, _ = read_sound(media)
    samples = pcm.astype(np.float32) / 32768
    features = tick_features(samples)
    speech = voice_activity(samples, features)
    if not speech.any():
        speech[:] = True
    cuts, summaries = describe_windows(samples, speech)
    return {
        "face_ticks": np.array(ticks, np.int64),
        "faces": np.round(np.array(faces).reshape(-1, FACE_SIZE, FACE_SIZE) * 255).astype(np.uint8),
        "features": features,
        "speech": speech,
        "windows": np.array(cuts),
        "functionals": summaries,
    }


def embed(network: Any, faces: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Run the face network on `(n, 48, 48)` faces: embeddings `(n, 256)` and logits `(n, 7)`."""
    parts = [
        run_faces(network, faces[i : i + FACE_BATCH, ..., None].astype(np.float32) / 255)
        for i in range(0, len(faces), FACE_BATCH)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
