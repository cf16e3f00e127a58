"""Keeping what the stages pass on: aligned faces as pictures, and features as arrays."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.common.files import unwritable, whole_folder, write_whole
from emoview.pipeline.evidence import Floats, Found
from emoview.timeline.clock import time_of


class Keeper:
    """Collects what is to be written to files.

    Args:
        pictures: Existing folder for the faces, `TICK_FACE.png`; None keeps no pictures.
        features: Whether to keep what `arrays` gives.
    """

    def __init__(self, pictures: Path | None, *, features: bool) -> None:
        self._pictures, self._features = pictures, features
        self._places: list[tuple[int, int]] = []
        self._embeddings: list[Floats] = []
        self._voice: tuple[Floats, NDArray[np.bool_]] = np.zeros((0, 0), np.float32), np.zeros(0, bool)
        self._cuts: list[tuple[int, int]] = []
        self._functionals: list[Floats] = []

    def add_faces(self, found: Sequence[Found], embeddings: Floats) -> None:
        """Keep faces, and what the network made of each."""
        if self._pictures is not None:
            for face in found:
                _write_picture(self._pictures / f"{face.tick:06}_{face.face_id}.png", face.face)
        if self._features:
            self._places += [(face.tick, face.face_id) for face in found]
            self._embeddings.append(np.array(embeddings, np.float32))

    def add_voice(self, descriptors: Floats, speech: NDArray[np.bool_]) -> None:
        """Keep the descriptors of every tick, and whether somebody speaks in it."""
        if self._features:
            self._voice = descriptors, speech

    def add_windows(self, cuts: Sequence[tuple[int, int]], functionals: Floats) -> None:
        """Keep more windows with speech, in ticks, and their functionals."""
        if self._features:
            self._cuts += cuts
            self._functionals.append(functionals)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Give the features by name; what was not found has no rows."""
        places = np.array(self._places, np.int64).reshape(-1, 2)
        times = [(time_of(first), time_of(last)) for first, last in self._cuts]
        return {
            "face_ticks": places[:, 0],
            "face_ids": places[:, 1],
            "face_embeddings": _joined(self._embeddings),
            "voice_speech": self._voice[1],
            "voice_descriptors": self._voice[0],
            "window_times_s": np.array(times, np.float64).reshape(-1, 2),
            "window_functionals": _joined(self._functionals),
        }


def _joined(parts: list[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


@contextmanager
def keeping(faces: Path | None, features: Path | None) -> Iterator[Keeper | None]:
    """Give a keeper, and put what it kept into place when all went well; otherwise nothing is left.

    Args:
        faces: Folder for the aligned faces; made where it is not there.
        features: NPZ file for the arrays.

    Raises:
        OutputError: Something cannot be written.
    """
    if faces is None and features is None:
        yield None
        return
    if faces is None:
        keeper = Keeper(None, features=True)
        yield keeper
    else:
        with whole_folder(faces) as folder:
            keeper = Keeper(folder, features=features is not None)
            yield keeper
    if features is not None:
        content = io.BytesIO()
        np.savez(content, **keeper.arrays())
        write_whole(features, content.getvalue())


def _write_picture(path: Path, face: NDArray[np.uint8]) -> None:
    import cv2

    # OpenCV takes the colours the other way round.
    content = cv2.imencode(".png", face[..., ::-1])[1]
    try:
        path.write_bytes(content.tobytes())
    except OSError as error:
        raise unwritable(path, error) from error
