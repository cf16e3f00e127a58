"""Labelled audio-visual clips: finding faces and speech in each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from emoview.common.stored import read_arrays
from emoview.common.text import counted
from emoview.datasets.clips import ClipFile, read_clip_index
from emoview.datasets.files import digest_of
from emoview.errors import DatasetError, DecodeError
from emoview.face.align import CROP_SIZE
from emoview.media.probe import Media, probe
from emoview.media.process import DecodeLog
from emoview.media.sound import read_sound
from emoview.pipeline.evidence import Found
from emoview.pipeline.finding import find_faces
from emoview.pipeline.timings import Timings
from emoview.pipeline.voice import describe_windows, speech_windows
from emoview.timeline.clock import time_of
from emoview.timeline.labels import LABELS
from emoview.voice.activity import voice_activity
from emoview.voice.descriptors import tick_features
from emoview.voice.level import AtUsualLevel, level_db, usual_gain_db
from emoview.voice.silero import speech_probability


@dataclass(frozen=True)
class Clip:
    """A clip with what the networks take.

    Attributes:
        file: It.
        actor: Who acts; a clip's own name where that is not known.
        label: Position in `LABELS`.
        face_ticks: `(faces,)`, ticks of the pictures with a face.
        faces: `(faces, 112, 112)` uint8, aligned and grey.
        features: `(ticks, 105)`, of the voice.
        speech: `(ticks,)`.
        windows: `(windows, 2)`, first tick and tick after the last.
        functionals: `(windows, 6373)`.
    """

    file: ClipFile
    actor: str
    label: int
    face_ticks: NDArray[np.int64]
    faces: NDArray[np.uint8]
    features: NDArray[np.float32]
    speech: NDArray[np.bool_]
    windows: NDArray[np.int64]
    functionals: NDArray[np.float32]


# Counts up when faces or voices are described in another way, so that nothing of before is read back.
_FORM = 3
_DIGITS = 16
# Streams rarely end together, and headers round.
_NEAR_S = 1.0


def read_clips(
    folder: Path, cache: Path, *, on_file: Callable[[int, int], None] = lambda done, total: None
) -> list[Clip]:
    """Describe, or read back, every clip of a folder with `index.csv`, or in AFEW's layout."""
    files = read_clip_index(folder)
    cache.mkdir(parents=True, exist_ok=True)
    clips = []
    for i, clip in enumerate(files):
        name = "-".join(clip.path.relative_to(folder).with_suffix("").parts)
        # By its content: several may be called alike but for the ending, and one may be replaced.
        file = cache / f"clip-{digest_of(clip.path)[:_DIGITS]}-{_FORM}.npz"
        if not file.exists():
            partial = cache / f"partial-{file.name}"
            np.savez(partial, **_describe(clip.path))
            partial.replace(file)
        arrays = _stored(file)
        clips.append(Clip(clip, clip.actor or name, LABELS.index(clip.label), **arrays))
        on_file(i + 1, len(files))
    return clips


def _stored(file: Path) -> dict[str, NDArray[Any]]:
    stored = read_arrays(file, "remove it, and it is made again")
    ticks = stored.need("face_ticks", "i", (None,))
    windows = stored.need("windows", "i", (None, 2))
    features = stored.need("features", "f", (None, None))
    return {
        "face_ticks": ticks,
        "faces": stored.need("faces", "u", (len(ticks), CROP_SIZE, CROP_SIZE)),
        "features": features,
        "speech": stored.need("speech", "b", (len(features),)),
        "windows": windows,
        "functionals": stored.need("functionals", "f", (len(windows), None)),
    }


def faces_of(path: Path, lost: list[str] | None = None) -> Iterator[Found]:
    """Find the largest face of each tick.

    Args:
        path: The clip.
        lost: Gets, in the end, a sentence where pictures are missing or damaged.

    Raises:
        DecodeError: Nobody asks what was lost, and the decoder was ended before the end, or gave up.
    """
    media, log, ticks = probe(path), DecodeLog(), 0
    for tick, found in find_faces(media, max_faces=1, timings=Timings(), log=log):
        ticks = tick + 1
        yield from found
    reached_s = time_of(ticks)
    if lost is not None:
        lost += _lost(media, log, reached_s)
    elif log.failure is not None and _is_early(media, reached_s):
        raise DecodeError(
            f"{path} cannot be decoded to its end ({log.failure}): run it again, or fetch it again"
        )


def _is_early(media: Media, reached_s: float) -> bool:
    return media.duration_s is not None and reached_s < media.duration_s - _NEAR_S


def _lost(media: Media, log: DecodeLog, reached_s: float) -> Iterator[str]:
    if _is_early(media, reached_s):
        said = f" ({log.failure})" if log.failure else ""
        yield f"{media.path}: its pictures end at {reached_s:.1f} of {media.duration_s:.1f} s{said}"
    elif log.complaints:
        problems = counted(log.complaints, "problem")
        yield f"{media.path}: its pictures are damaged, {problems}, the first: {log.lines[0]}"


def _describe(path: Path) -> dict[str, NDArray[Any]]:
    media = probe(path)
    if media.audio is None:
        raise DatasetError(f"{path} has no sound; leave it out, or take it with its sound.")
    ticks, faces = [], []
    for found in faces_of(path):
        ticks.append(found.tick)
        faces.append(cv2.cvtColor(found.face, cv2.COLOR_RGB2GRAY))
    with read_sound(media) as sound:
        usual = AtUsualLevel(sound, usual_gain_db(level_db(sound)))
        features = tick_features(usual)
        speech = voice_activity(level_db(usual), features, speech_probability(usual))
        if not speech.any():
            speech[:] = True
        cuts = speech_windows(speech)
        summaries = describe_windows(usual, cuts)
    return {
        "face_ticks": np.array(ticks, np.int64),
        "faces": np.array(faces, np.uint8).reshape(-1, CROP_SIZE, CROP_SIZE),
        "features": features,
        "speech": speech,
        "windows": np.array(cuts, np.int64).reshape(-1, 2),
        "functionals": summaries,
    }
