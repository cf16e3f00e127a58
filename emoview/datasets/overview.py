"""What a data set holds, whichever kind and layout it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.affect import read_affect, recognised_affect
from emoview.datasets.affectnet import affectnet_parts
from emoview.datasets.clips import is_video, read_clip_index
from emoview.datasets.files import digest_of, files_within, is_picture
from emoview.datasets.labelled import LabelledPictures
from emoview.datasets.picture_index import INDEX_FILE
from emoview.datasets.pictures import Truth, layout_of, open_pictures, parts_of
from emoview.datasets.semaine import read_semaine, semaine_root
from emoview.datasets.speech import is_sound, read_speech
from emoview.datasets.tables import columns_of, read_table
from emoview.errors import DatasetError
from emoview.timeline.labels import CONTEMPT, FACE_LABELS, VOICE_LABELS

Kind = Literal["faces", "speech", "clips", "valence and arousal"]
OnItem = Callable[[int, int], None]


@dataclass(frozen=True)
class Holding:
    """What a data set holds of one kind.

    Attributes:
        kind: Of the data.
        layout: In which they lie.
        counts: Examples by part and label; of recordings by corpus and label, and by part alone of frames
            with valence and arousal.
        people: What tells whom the examples are of, such as `speakers`, and how many there are; None where
            nothing does.
        duplicates: Examples beyond the first of each with the same content: pixels, or bytes of a file.
        contradicting: Those of them that have another label than the first.
        broken: Examples that cannot be decoded.
        values: `(n, 2)`, valence and arousal in [-1, 1], where they are annotated.
    """

    kind: Kind
    layout: str
    counts: Mapping[str, Mapping[str, int]]
    people: tuple[str, int] | None
    duplicates: int
    contradicting: int
    broken: tuple[str, ...] = ()
    values: NDArray[np.float32] | None = None

    @property
    def total(self) -> dict[str, int]:
        """Examples by label, of all parts."""
        every: Counter[str] = sum((Counter(part) for part in self.counts.values()), Counter())
        order = [label for label in (*VOICE_LABELS, CONTEMPT) if label in every]
        return {label: every[label] for label in [*order, *(e for e in every if e not in order)]}

    @property
    def weights(self) -> dict[str, float]:
        """Class weights as work A has them: the largest label's count over each label's own.

        Of the training part, where there is one, as in a training.
        """
        parts = {name.lower(): part for name, part in self.counts.items()}
        learned = next((part for name, part in parts.items() if name.startswith("train")), self.total)
        largest = max(learned.values(), default=0)
        return {label: largest / count for label, count in learned.items() if count}


def overview(
    source: Path, on_item: OnItem = lambda done, of: None, *, truth: Truth = "original"
) -> tuple[Holding, ...]:
    """Say what a data set holds; AffectNet holds both labels and values.

    Args:
        source: A folder in any layout that is read, or a table of frames with valence and arousal.
        on_item: Told how many of the examples were looked at, and of how many.
        truth: Of faces: whose labels count, see `open_pictures`.

    Raises:
        DatasetError: It has no known layout, or something in it does not fit.
    """
    source = Path(source)
    if source.is_file() or not source.exists():
        return (_affect(source, on_item),)
    if truth != "original":
        return (_faces(source, on_item, truth),)
    index = columns_of(source / "index.csv") if (source / "index.csv").is_file() else ()
    if {"valence", "arousal"} <= set(index) or semaine_root(source) is not None:
        return (_affect(source, on_item),)
    media = "" if index else _media(source)
    if {"corpus", "speaker"} <= set(index) or media == "sound":
        return (_speech(source, on_item),)
    if index and _names_pictures(source / "index.csv"):
        return (_faces(source, on_item),)
    if index or media == "video":
        return (_clips(source, on_item),)
    if affectnet_parts(source):
        valued = any(
            next(p.glob("annotations/[!.]*_val.npy"), None) for p in affectnet_parts(source).values()
        )
        return (_faces(source, on_item), *([_affect(source, on_item)] if valued else []))
    if recognised_affect(source) is not None:
        return (_affect(source, on_item),)
    return (_faces(source, on_item),)


def pictures_of(source: Path, truth: Truth = "original") -> Iterator[tuple[str, LabelledPictures]]:
    """Open every part of a data set of labelled pictures, contempt included, with its name.

    Raises:
        DatasetError: It is none.
    """
    for part in parts_of(Path(source)):
        pictures = open_pictures(Path(source), part, truth=truth, contempt=True)
        yield part or "all", pictures


def _names_pictures(index: Path) -> bool:
    """Tell by its first line whether an index is of pictures, such as frames of clips, not of clips."""
    return any(is_picture(row["path"]) for row in islice(read_table(index, ["path"]), 1))


def _media(folder: Path) -> str:
    """Tell by the first file whether recordings or videos lie in a folder, at any depth."""
    for path in files_within(folder):
        if is_sound(path) or is_video(path):
            return "sound" if is_sound(path) else "video"
    return ""


def _faces(source: Path, on_item: OnItem, truth: Truth = "original") -> Holding:
    parts = dict(pictures_of(source, truth))
    of = sum(map(len, parts.values()))
    contents: list[tuple[str, str]] = []
    broken, done = [], 0
    for name, pictures in parts.items():
        for i, label in enumerate(pictures.labels):
            try:
                contents.append((pictures.digest(i), FACE_LABELS[label]))
            except DatasetError:
                broken.append(f"{name}: {pictures.name_of(i)}")
            done += 1
            on_item(done, of)
    people = [p for pictures in parts.values() for p in pictures.subjects or ()]
    counts = {name: _counted(FACE_LABELS[i] for i in pictures.labels) for name, pictures in parts.items()}
    return Holding(
        "faces", layout_of(source), counts, ("people", len(set(people))) if people else None,
        *_repeated(contents), tuple(broken),
    )  # fmt: skip


def _speech(source: Path, on_item: OnItem) -> Holding:
    utterances = read_speech(source, songs=True)
    by_corpus: dict[str, list[str]] = {}
    for one in utterances:
        by_corpus.setdefault(one.corpus, []).append(one.label)
    contents = _contents([u.path for u in utterances], [u.label for u in utterances], on_item)
    layout = "index.csv" if (source / "index.csv").is_file() else "file names"
    counts = {corpus: _counted(labels) for corpus, labels in by_corpus.items()}
    speakers = len({u.person for u in utterances})
    return Holding("speech", layout, counts, ("speakers", speakers), *_repeated(contents))


def _clips(source: Path, on_item: OnItem) -> Holding:
    clips = read_clip_index(source)
    by_part: dict[str, list[str]] = {}
    for clip in clips:
        by_part.setdefault(clip.part or "all", []).append(clip.label)
    contents = _contents([c.path for c in clips], [c.label for c in clips], on_item)
    # Of several corpora, actors may be called alike.
    actors = {(c.corpus, c.actor) for c in clips if c.actor is not None}
    layout = "index.csv" if (source / "index.csv").is_file() else "AFEW"
    counts = {part: _counted(labels) for part, labels in by_part.items()}
    return Holding("clips", layout, counts, ("actors", len(actors)) if actors else None, *_repeated(contents))


def _affect(source: Path, on_item: OnItem) -> Holding:
    if recognised_affect(source) == "semaine":
        return _semaine(source, on_item)
    names = sorted(affectnet_parts(source)) if source.is_dir() else []
    parts = {name: read_affect(source, name) for name in names} or {"all": read_affect(source)}
    values = np.concatenate([part.values for part in parts.values()])
    contents: list[tuple[str, str]] = []
    broken = []
    for part in parts.values():
        for i, frame in enumerate(part.frames):
            try:
                contents.append((part.digests([i])[0], str(tuple(part.values[i].tolist()))))
            except DatasetError:
                broken.append(str(frame))
            on_item(len(contents) + len(broken), len(values))
    videos = {video for part in parts.values() for video in part.videos}
    layout = "affectnet" if names else recognised_affect(source) or "table"
    counts = {name: {"frames": len(part)} for name, part in parts.items()}
    people = None if names else (_told_by(source, layout), len(videos))
    return Holding("valence and arousal", layout, counts, people, *_repeated(contents), tuple(broken), values)


def _told_by(source: Path, layout: str) -> str:
    """Say what tells whom frames are of: a table may name people beside videos."""
    table = source / INDEX_FILE if source.is_dir() else source
    return "people" if layout == "table" and "actor" in columns_of(table) else "videos"


def _semaine(source: Path, on_item: OnItem) -> Holding:
    recordings = read_semaine(source)
    values = np.concatenate([recording.rated()[1] for recording in recordings])
    contents = _contents([r.video for r in recordings], [r.name for r in recordings], on_item)
    people = ("people", len({recording.person for recording in recordings}))
    repeated, _ = _repeated(contents)
    counts = {"all": {"frames": len(values)}}
    return Holding("valence and arousal", "semaine", counts, people, repeated, 0, values=values)


def _counted(labels: Sequence[str] | Iterator[str]) -> dict[str, int]:
    return dict(Counter(labels))


def _contents(paths: Sequence[Path], said: Sequence[str], on_item: OnItem) -> list[tuple[str, str]]:
    contents = []
    for path, label in zip(paths, said, strict=True):
        contents.append((digest_of(path), label))
        on_item(len(contents), len(paths))
    return contents


def _repeated(contents: Sequence[tuple[str, str]]) -> tuple[int, int]:
    """Count the examples whose content came before, and those of them that came with another label."""
    first: dict[str, str] = {}
    contradicting = sum(label != first.setdefault(digest, label) for digest, label in contents)
    return len(contents) - len(first), contradicting
