"""Preparation of labelled faces: out of videos or another data set, checked, balanced and shuffled."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.common.files import write_whole
from emoview.datasets.clips import ClipFile, read_clip_index
from emoview.datasets.files import is_picture
from emoview.datasets.picture_index import INDEX_FILE
from emoview.datasets.pictures import LabelledPictures, open_pictures
from emoview.errors import DatasetError, EmoviewError
from emoview.networks.seen import plain
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.labels import LABELS
from emoview.training.clips import aligned_faces
from emoview.training.systems.events import OnEvent

_COLUMNS = ("path", "label", "clip", "actor", "corpus", "sentence", "part", "time_s")


@dataclass(frozen=True)
class _Face:
    """A face to be written.

    Attributes:
        label: One of `LABELS`.
        name: Of its file, without the ending.
        pixels: `(height, width, 3)` RGB.
        facts: What the index says of it, by column.
    """

    label: str
    name: str
    pixels: NDArray[np.uint8]
    facts: Mapping[str, str]


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

    `OUTPUT/index.csv` says of each which clip and whom it shows, so that neither stands on both sides of a
    split; of pictures whose persons the data set does not name there is none.

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
        clips = read_clip_index(data)
    except DatasetError:
        return False
    return not all(is_picture(clip.path.name) for clip in clips)


def _from_clips(
    data: Path, part: str | None, every: int, broken: list[str], on_event: OnEvent
) -> Iterator[_Face]:
    clips = [clip for clip in read_clip_index(data) if part is None or clip.part == part]
    for number, clip in enumerate(clips):
        found = 0
        try:
            for tick, face in aligned_faces(clip.path):
                if tick % every == 0:
                    found += 1
                    yield _Face(clip.label, _name(clip, data, tick), face, _facts(clip, data, tick))
        except EmoviewError as error:
            broken.append(str(error))
        else:
            if not found:
                broken.append(f"{clip.path}: no face was found")
        on_event({"step": number + 1, "of": len(clips)})


def _name(clip: ClipFile, data: Path, tick: int) -> str:
    return plain("-".join(clip.path.relative_to(data).with_suffix("").parts)) + f"-{tick:06d}"


def _facts(clip: ClipFile, data: Path, tick: int) -> dict[str, str]:
    facts = {
        "clip": plain(clip.path.relative_to(data).as_posix()), "actor": clip.actor, "corpus": clip.corpus,
        "sentence": clip.sentence, "part": clip.part, "time_s": f"{tick / TICK_HZ:.2f}",
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value is not None}


def _from_pictures(pictures: LabelledPictures, broken: list[str], on_event: OnEvent) -> Iterator[_Face]:
    for i in range(len(pictures)):
        try:
            face = pictures.original(i)
        except DatasetError as error:
            broken.append(str(error))
            continue
        subject = None if pictures.subjects is None else pictures.subjects[i]
        facts = {} if subject is None else {"actor": subject}
        yield _Face(LABELS[pictures.labels[i]], f"{i:06d}", face, facts)
        on_event({"step": i + 1, "of": len(pictures)})


def _write(faces: Iterator[_Face], output: Path, balance: bool, seed: int) -> dict[str, int]:
    import cv2

    written: dict[str, list[tuple[Path, Mapping[str, str]]]] = {}
    for face in faces:
        folder = output / face.label
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{face.name}.png"
        cv2.imwrite(str(file), face.pixels[..., ::-1])
        written.setdefault(face.label, []).append((file, face.facts))
    rng = np.random.default_rng(seed)
    least = min((len(files) for files in written.values()), default=0)
    counts, rows = {}, []
    for label, files in sorted(written.items()):
        order = rng.permutation(len(files))
        kept = order[:least] if balance else order
        for i in set(range(len(files))) - set(kept.tolist()):
            files[i][0].unlink()
        for place, i in enumerate(kept):
            file, facts = files[i]
            renamed = file.rename(file.with_name(f"{place:06d}-{file.name}"))
            rows.append({"path": f"{label}/{renamed.name}", "label": label, **facts})
        counts[label] = len(kept)
    if any({"clip", "actor"} & row.keys() for row in rows):
        write_whole(output / INDEX_FILE, _table(rows))
    return counts


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    """Make the text of the index, with the columns of which anything is known."""
    columns = [column for column in _COLUMNS if any(column in row for row in rows)]
    text = io.StringIO()
    table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()
