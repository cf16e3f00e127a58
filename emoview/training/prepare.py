"""Preparation of labelled faces: out of videos or another data set, checked, balanced and shuffled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.clips import ClipFile, read_clip_index
from emoview.datasets.pictures import LabelledPictures, open_pictures
from emoview.errors import DatasetError, EmoviewError
from emoview.timeline.labels import LABELS
from emoview.training.clips import aligned_faces
from emoview.training.systems.events import OnEvent


@dataclass(frozen=True)
class Prepared:
    """What came of a preparation.

    Attributes:
        counts: Pictures of each label.
        broken: What could not be decoded, or showed no face, with the reason.
    """

    counts: dict[str, int]
    broken: tuple[str, ...]


def prepare(
    data: Path, output: Path, *, part: str | None, every: int, balance: bool, seed: int, on_event: OnEvent
) -> Prepared:
    """Write labelled faces as `OUTPUT/LABEL/NAME.png`, numbered in a shuffled order.

    Args:
        data: Clips with labels, whose faces are found and aligned; or pictures in any known layout.
        output: New or empty folder.
        part: Of the data set; None for all.
        every: Take one face of so many ticks of a clip.
        balance: Take of each label only as many as the rarest label has, chosen at random.
        seed: Of the choice and the order.
        on_event: Told how far it is.

    Raises:
        DatasetError: The output is not empty, or the data has no such layout.
    """
    if output.exists() and any(output.iterdir()):
        raise DatasetError(f"{output} is not empty: name a new folder with -o")
    broken: list[str] = []
    faces = _from_clips(data, part, every, broken, on_event) if _holds_clips(data) else None
    if faces is None:
        faces = _from_pictures(open_pictures(data, part), broken, on_event)
    return Prepared(_write(faces, output, balance, seed), tuple(broken))


def _holds_clips(data: Path) -> bool:
    try:
        return bool(read_clip_index(data))
    except DatasetError:
        return False


def _from_clips(
    data: Path, part: str | None, every: int, broken: list[str], on_event: OnEvent
) -> Iterator[tuple[str, str, NDArray[np.uint8]]]:
    clips = [clip for clip in read_clip_index(data) if part is None or clip.part == part]
    for number, clip in enumerate(clips):
        found = 0
        try:
            for tick, face in aligned_faces(clip.path):
                if tick % every == 0:
                    found += 1
                    yield clip.label, _name(clip, data, tick), face
        except EmoviewError as error:
            broken.append(str(error))
        else:
            if not found:
                broken.append(f"{clip.path}: no face was found")
        on_event({"step": number + 1, "of": len(clips)})


def _name(clip: ClipFile, data: Path, tick: int) -> str:
    return "-".join(clip.path.relative_to(data).with_suffix("").parts) + f"-{tick:06d}"


def _from_pictures(
    pictures: LabelledPictures, broken: list[str], on_event: OnEvent
) -> Iterator[tuple[str, str, NDArray[np.uint8]]]:
    for i in range(len(pictures)):
        try:
            face = pictures.original(i)
        except DatasetError as error:
            broken.append(str(error))
            continue
        yield LABELS[pictures.labels[i]], f"{i:06d}", face
        on_event({"step": i + 1, "of": len(pictures)})


def _write(
    faces: Iterator[tuple[str, str, NDArray[np.uint8]]], output: Path, balance: bool, seed: int
) -> dict[str, int]:
    import cv2

    written: dict[str, list[Path]] = {}
    for label, name, face in faces:
        folder = output / label
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name}.png"
        cv2.imwrite(str(file), face[..., ::-1])
        written.setdefault(label, []).append(file)
    rng = np.random.default_rng(seed)
    least = min((len(files) for files in written.values()), default=0)
    counts = {}
    for label, files in sorted(written.items()):
        order = rng.permutation(len(files))
        kept = order[:least] if balance else order
        for i in set(range(len(files))) - set(kept.tolist()):
            files[i].unlink()
        for place, i in enumerate(kept):
            files[i].rename(files[i].with_name(f"{place:06d}-{files[i].name}"))
        counts[label] = len(kept)
    return counts
