"""Frames of clips: aligned faces as `emoview prepare` writes them, in the order of their clip."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emoview.datasets.files import digest_of, part_named
from emoview.datasets.people import person_or_clip
from emoview.datasets.splits import Indices, assert_disjoint, stratified_split
from emoview.datasets.tables import Row, read_table
from emoview.errors import DatasetError
from emoview.timeline.labels import LABELS

INDEX = "index.csv"
_COLUMNS = ("path", "label", "clip", "actor", "time_s")
_LONGEST_S = 1e6


@dataclass(frozen=True)
class ClipFrames:
    """A clip by its frames.

    Attributes:
        name: What the index calls the clip.
        actor: Who acts, behind the corpus where the index names one; the clip where that is not known.
        label: Position in `LABELS`.
        files: Its pictures, in the order of time.
        part: Such as `train`, `valid` or `test`, where the index tells.
    """

    name: str
    actor: str
    label: int
    files: tuple[Path, ...]
    part: str | None = None

    def digest(self) -> str:
        """Give the SHA-256 of all frames, which tells a clip that is there twice."""
        total = hashlib.sha256()
        for file in self.files:
            total.update(bytes.fromhex(digest_of(file)))
        return total.hexdigest()


def has_frames(folder: Path) -> bool:
    """Tell whether a folder has an index of frames."""
    return (folder / INDEX).is_file()


def read_frames(folder: Path) -> tuple[ClipFrames, ...]:
    """Read the clips of `FOLDER/index.csv`: path, label, clip, actor (may be empty) and time_s in seconds.

    Where there are the columns corpus and part, they count, too.

    Raises:
        DatasetError: Something does not fit; the message names the line.
    """
    frames: dict[str, list[tuple[float, Path]]] = {}
    first: dict[str, tuple[str, str, str | None]] = {}
    for row in read_table(folder / INDEX, _COLUMNS):
        name = row["clip"]
        if not name:
            raise row.error("no clip is named; prepare the frames from clips.")
        part = row.get("part")
        person = person_or_clip(row["actor"] or None, name, row.get("corpus"))
        said = row.label(), person, None if part is None else part_named(part)
        if first.setdefault(name, said) != said:
            raise row.error("an earlier line has another label, actor or part for the clip; correct one.")
        frames.setdefault(name, []).append((row.number("time_s", 0, _LONGEST_S), _file(row)))
    if not frames:
        raise DatasetError(f"{folder / INDEX} names no frames; prepare them from clips.")
    return tuple(
        ClipFrames(name, person, LABELS.index(label), tuple(f for _, f in sorted(frames[name])), part)
        for name, (label, person, part) in first.items()
    )


def _file(row: Row) -> Path:
    path = row.file()
    if not path.is_relative_to(row.path.parent) or ".." in path.parts:
        raise row.error("the path leads out of the folder; name files that lie in it.")
    return path


def split_frames(
    folder: Path, how: str, seed: int
) -> tuple[tuple[ClipFrames, ...], tuple[Indices, Indices, Indices]]:
    """Read the clips of a folder and split them into training, choosing and testing.

    Clips of one actor, and equal clips, stay on one side.

    Args:
        folder: Has an index, or `train` and `valid` with one each.
        how: `given` holds a tenth of `train` out for choosing and tests on `valid`, or else on `test`, where
            there are these parts, by folders or by the column part of the index; otherwise, and with
            `random`, all clips are split 70/10/20.
        seed: Of the split.

    Raises:
        DatasetError: There is no index, or something in it does not fit.
    """
    learned, measured = _sides(folder, how)
    clips = (*learned, *measured)
    digests = [clip.digest() for clip in clips]
    actors = [clip.actor for clip in clips]
    labels = np.array([clip.label for clip in clips])
    if not measured:
        train, test, choose = stratified_split(
            labels, (0.7, 0.2, 0.1), seed, groups=actors, duplicates=digests
        )
    else:
        test = np.arange(len(learned), len(clips))
        # Who, or what, is measured on is not learned from.
        known = _without(test, len(learned), actors, digests)
        train, choose = (
            known[part]
            for part in stratified_split(
                labels[known], (0.9, 0.1), seed,
                groups=[actors[i] for i in known], duplicates=[digests[i] for i in known],
            )
        )  # fmt: skip
    for one, other in ((train, choose), (train, test), (choose, test)):
        assert_disjoint(one, other, actors, digests)
    return clips, (train, choose, test)


def _sides(folder: Path, how: str) -> tuple[tuple[ClipFrames, ...], tuple[ClipFrames, ...]]:
    """Read the clips to learn from and those to measure on; all are the first where nothing parts them."""
    if has_frames(folder):
        clips = read_frames(folder)
        of = {part: tuple(clip for clip in clips if clip.part == part) for part in ("train", "valid", "test")}
        learned, measured = of["train"], of["valid"] or of["test"]
    elif all(has_frames(folder / part) for part in ("train", "valid")):
        learned, measured = (read_frames(folder / part) for part in ("train", "valid"))
        clips = (*learned, *measured)
    else:
        raise DatasetError(
            f"{folder} has no {INDEX}, nor train and valid with one each; prepare frames from clips."
        )
    return (learned, measured) if learned and measured and how != "random" else (clips, ())


def _without(test: Indices, count: int, *kinds: Sequence[str]) -> Indices:
    """Give those of the first `count` that share none of the values of any kind with the tested ones."""
    tested = [{kind[i] for i in test} for kind in kinds]
    known = [i for i in range(count) if all(k[i] not in t for k, t in zip(kinds, tested, strict=True))]
    return np.array(known, np.int64)
