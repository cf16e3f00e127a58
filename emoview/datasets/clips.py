"""Labelled audio-visual clips, from an index or from folders named like labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emoview.datasets.files import NoPartError, files_within, part_named, visible
from emoview.datasets.names import label_named, listed
from emoview.datasets.people import person_or_clip
from emoview.datasets.tables import read_table
from emoview.errors import DatasetError
from emoview.media.endings import MEDIA, SOUND
from emoview.timeline.labels import LABELS

_VIDEOS = MEDIA - SOUND - {".gif", ".apng"}
# AFEW (Dhall et al. 2012, IEEE MultiMedia 19, 34-41) calls its folders Train and Val, or Train_AFEW.
_PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class ClipFile:
    """A clip with its label.

    Attributes:
        path: The video.
        label: One of `LABELS`.
        actor: Who acts, where the data set tells.
        sentence: What is said, where the data set tells.
        part: `train`, `valid` or `test`, where the data set has parts.
        corpus: Where the actors are of several.
    """

    path: Path
    label: str
    actor: str | None = None
    sentence: str | None = None
    part: str | None = None
    corpus: str | None = None

    def person(self, folder: Path) -> str:
        """Name who acts; where nobody is named, the clip itself, by its place in the data set."""
        return person_or_clip(self.actor, self.path.relative_to(folder).as_posix(), self.corpus)


def clips_of(folder: Path, part: str | None) -> list[ClipFile]:
    """Read the clips of one part of a folder; None for all there are.

    Raises:
        NoPartError: There is no such part.
    """
    clips = read_clip_index(folder)
    if part is None:
        return list(clips)
    chosen = [clip for clip in clips if clip.part == part_named(part)]
    if not chosen:
        there = listed(sorted({clip.part for clip in clips if clip.part})) or "clips without one"
        raise NoPartError(f"{folder} has no part {part!r}, only {there}; name one of these, or none.")
    return chosen


def read_clip_index(folder: Path) -> tuple[ClipFile, ...]:
    """Read which clips a folder holds.

    Args:
        folder: Holds `index.csv` (path, label and, optionally, actor, sentence, part and corpus), or the
            layout of AFEW: `Train`, `Val` and, optionally, `Test`, each with folders named like labels. Clips
            of `Test` that lie in no such folder have no label, and are left out.

    Raises:
        DatasetError: Something does not fit; the message names the line or the file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}; name the one that holds the clips.")
    index = folder / "index.csv"
    parts = _parts(folder)
    if not index.is_file() and not parts:
        raise DatasetError(f"{folder} holds neither index.csv nor Train and Val; put either there.")
    clips = tuple(_from_table(index) if index.is_file() else _from_folders(parts))
    if not clips:
        raise DatasetError(f"{index if index.is_file() else folder} names no clips with a label; add some.")
    return clips


def _from_table(index: Path) -> Iterator[ClipFile]:
    for row in read_table(index, ["path", "label"]):
        part = row.get("part")
        yield ClipFile(
            row.file_inside(), row.label(), row.get("actor"), row.get("sentence"),
            None if part is None else part_named(part), row.get("corpus"),
        )  # fmt: skip


def _parts(folder: Path) -> dict[str, Path]:
    parts: dict[str, Path] = {}
    for path in visible(folder):
        part = part_named(path.name.lower().removesuffix("_afew"))
        if part in _PARTS and path.is_dir() and parts.setdefault(part, path) != path:
            raise DatasetError(
                f"{folder} holds both {parts[part].name} and {path.name}, which are one part; join them."
            )
    return parts


def _from_folders(parts: dict[str, Path]) -> Iterator[ClipFile]:
    for part in _PARTS:
        for place in visible(parts[part]) if part in parts else []:
            if place.is_dir():
                yield from _of_label(place, part)
            elif part != "test" and is_video(place):
                raise DatasetError(f"{place} lies in no folder named like a label; move it into one.")


def _of_label(place: Path, part: str) -> Iterator[ClipFile]:
    label = label_named(place.name)
    if label is None:
        raise DatasetError(f"{place} is not named like one of {listed(LABELS)}; rename it or take it out.")
    for path in visible(place):
        if is_video(path):
            yield ClipFile(path, label, part=part)
        elif path.is_dir() and (deep := next(filter(is_video, files_within(path)), None)):
            raise DatasetError(f"{deep} does not lie in {place} itself; move it there, or take it out.")


def is_video(path: Path) -> bool:
    """Tell whether a path is a video, by its ending."""
    return path.suffix.lower() in _VIDEOS and path.is_file()
