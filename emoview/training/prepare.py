"""Preparation of labelled faces: out of videos or another data set, checked, balanced and shuffled."""

from __future__ import annotations

import csv
import io
import wave
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.common.files import whole_folder
from emoview.common.interrupts import interrupted_as
from emoview.common.names import fitting
from emoview.datasets.clips import ClipFile, clips_of, read_clip_index
from emoview.datasets.files import is_picture
from emoview.datasets.picture_index import INDEX_FILE
from emoview.datasets.pictures import LabelledPictures, open_pictures
from emoview.datasets.semaine import read_semaine, semaine_root
from emoview.errors import DatasetError, EmoviewError, InputError
from emoview.face.align import alignment, moved
from emoview.face.find import FaceFinder
from emoview.face.ibug import ibug_landmarks, points_of_crop
from emoview.media.probe import probe
from emoview.media.sound import Sound, read_sound
from emoview.networks.seen import plain
from emoview.pipeline.evidence import Found
from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK, TICK_HZ
from emoview.timeline.labels import FACE_LABELS
from emoview.training.affect_frames import take_frames
from emoview.training.clips import faces_of
from emoview.training.systems.events import OnEvent

_COLUMNS = (
    "path", "label", "clip", "actor", "corpus", "sentence", "part", "time_s", "sound", "landmarks",
)  # fmt: skip
_ENDINGS = {"sound": ".wav", "landmarks": ".csv"}


@dataclass(frozen=True)
class Beside:
    """What is written beside each face.

    Attributes:
        sound: Of clips, the 40 ms from the time of the picture on, as D and emoview's clock have them:
            `NAME.wav`, 640 samples of 16 bits at 16 kHz, mono; where the sound is over, silence.
        landmarks: `NAME.csv`, with the columns x and y: the 68 of iBUG in their order, in pixels of the
            picture, from its upper left corner.
    """

    sound: bool = False
    landmarks: bool = False


@dataclass(frozen=True)
class _Face:
    """A face to be written.

    Attributes:
        label: One of `FACE_LABELS`.
        name: Of its file, without the ending.
        pixels: `(height, width, 3)` RGB.
        facts: What the index says of it, by column.
        beside: Contents of the files beside it, by column.
    """

    label: str
    name: str
    pixels: NDArray[np.uint8]
    facts: Mapping[str, str]
    beside: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """What came of a preparation.

    Attributes:
        counts: Pictures of each label.
        broken: What could not be decoded, or showed no face, with the reason.
        unmarked: Pictures that were left out because no landmarks were found in them.
        partial: Clips of which pictures are missing or damaged, with the reason; the others are there.
    """

    counts: dict[str, int]
    broken: tuple[str, ...]
    unmarked: int = 0
    partial: tuple[str, ...] = ()


def prepare(
    data: Path,
    output: Path,
    *,
    part: str | None,
    every: int,
    balance: bool,
    seed: int,
    beside: Beside = Beside(),
    contempt: bool = False,
    on_event: OnEvent,
) -> Prepared:
    """Write labelled faces as `OUTPUT/LABEL/NAME.png`, numbered in a shuffled order.

    `OUTPUT/index.csv` says of each which clip and whom it shows, so that neither stands on both sides of a
    split, and names the files beside it; of pictures with nothing beside them whose persons the data set does
    not name there is none.  The folder is written whole or not at all.

    Args:
        data: Clips with labels, whose faces are found and aligned; pictures in any known layout; or SEMAINE,
            of which `take_frames` writes the frames with valence and arousal.
        output: New or empty folder.
        part: Of the data set; None for all.
        every: Take one face of so many ticks of a clip.
        balance: Take of each label only as many as the rarest label has, chosen at random.
        seed: Of the choice and the order.
        beside: What is written beside each face.
        contempt: Keep pictures that show it.
        on_event: Told how far it is.

    Raises:
        DatasetError: The output is not empty, or the data has no such layout.
        InputError: The options do not suit the data, or there is no face in it.
    """
    if semaine_root(data) is not None:
        if beside != Beside() or balance or part is not None:
            raise InputError("SEMAINE has values, no labels or parts: name nothing but the folders")
        return _semaine(data, output, on_event)
    # What is hidden may be left of a call that was killed, and is taken over.
    if output.exists() and any(not path.name.startswith(".") for path in output.iterdir()):
        raise DatasetError(f"{output} is not empty: name a new folder with -o")
    if _holds_clips(data):
        broken: list[str] = []
        partial: list[str] = []
        faces = _from_clips(data, part, every, beside, broken, partial, on_event)
        with whole_folder(output) as temporary:
            counts = _write(faces, temporary, balance, seed)
            _refuse_none(counts, data, broken)
        return Prepared(counts, tuple(broken), partial=tuple(partial))
    if beside.sound:
        raise InputError(f"{data} holds pictures, which have no sound: leave out --sound")
    pictures = _Pictures(open_pictures(data, part, contempt=contempt), beside.landmarks, on_event)
    with whole_folder(output) as temporary:
        counts = _write(iter(pictures), temporary, balance, seed)
        _refuse_none(counts, data, pictures.broken)
    return Prepared(counts, tuple(pictures.broken), pictures.unmarked)


def _refuse_none(counts: Mapping[str, int], data: Path, broken: Sequence[str]) -> None:
    if not counts:
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        said = f": {broken[0]}{more}" if broken else ""
        raise InputError(f"there is no face to be taken out of {data}{said}")


def _semaine(data: Path, output: Path, on_event: OnEvent) -> Prepared:
    recordings = read_semaine(data)
    # What an interrupted call has written counts.
    known = {INDEX_FILE, *(plain(recording.name) for recording in recordings)}
    if output.exists() and any(p.name not in known and not p.name.startswith(".") for p in output.iterdir()):
        raise DatasetError(f"{output} is not empty: name a new folder with -o")
    with interrupted_as(lambda: f"{output} keeps the recordings that are done; the same command goes on"):
        return Prepared({"frames": take_frames(recordings, output, on_event)}, ())


def _holds_clips(data: Path) -> bool:
    try:
        clips = read_clip_index(data)
    except DatasetError:
        return False
    return not all(is_picture(clip.path.name) for clip in clips)


def _from_clips(
    data: Path,
    part: str | None,
    every: int,
    beside: Beside,
    broken: list[str],
    partial: list[str],
    on_event: OnEvent,
) -> Iterator[_Face]:
    clips = clips_of(data, part)
    for number, clip in enumerate(clips):
        found = 0
        lost: list[str] = []
        try:
            for face in _of_clip(clip, data, every, beside, lost):
                found += 1
                yield face
        except EmoviewError as error:
            broken.append(str(error))
        else:
            if not found:
                broken.append(f"{clip.path}: no face was found")
            partial += lost if found else []
        on_event({"step": number + 1, "of": len(clips)})


def _of_clip(clip: ClipFile, data: Path, every: int, beside: Beside, lost: list[str]) -> Iterator[_Face]:
    with ExitStack() as stack:
        sound = None
        if beside.sound:
            media = probe(clip.path)
            if media.audio is None:
                raise InputError(f"{clip.path}: it has no sound")
            sound = stack.enter_context(read_sound(media))
        for one in faces_of(clip.path, lost):
            if one.tick % every:
                continue
            more = {} if sound is None else {"sound": _chunk(sound, one.tick)}
            if beside.landmarks:
                more["landmarks"] = _points(_landmarks_of(one))
            yield _Face(clip.label, _name(clip, data, one.tick), one.face, _facts(clip, data, one.tick), more)


def _chunk(sound: Sound, tick: int) -> bytes:
    """Give the sound of a tick as a WAV file."""
    samples = sound[tick * SAMPLES_PER_TICK : (tick + 1) * SAMPLES_PER_TICK]
    whole = np.zeros(SAMPLES_PER_TICK, "<i2")
    whole[: len(samples)] = np.clip(np.rint(32768 * samples), -32768, 32767)
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(whole.tobytes())
    return content.getvalue()


def _landmarks_of(found: Found) -> NDArray[np.float64]:
    """Give the 68 landmarks in pixels of the aligned face."""
    matrix = alignment(found.landmarks, len(found.face), widen=found.widen)
    return moved(matrix, ibug_landmarks(found.landmarks))


def _points(landmarks: NDArray[np.floating[Any]]) -> bytes:
    return ("x,y\n" + "".join(f"{x:.2f},{y:.2f}\n" for x, y in landmarks)).encode()


def _name(clip: ClipFile, data: Path, tick: int) -> str:
    name = plain("-".join(clip.path.relative_to(data).with_suffix("").parts))
    ending = f"-{tick:06d}"
    return fitting(name, [f"000000-{ending}.png"]) + ending


def _facts(clip: ClipFile, data: Path, tick: int) -> dict[str, str]:
    facts = {
        "clip": plain(clip.path.relative_to(data).as_posix()), "actor": clip.actor, "corpus": clip.corpus,
        "sentence": clip.sentence, "part": clip.part, "time_s": f"{tick / TICK_HZ:.2f}",
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value is not None}


class _Pictures:
    """Gives the faces of a data set of pictures, and counts those that are left out."""

    def __init__(self, pictures: LabelledPictures, landmarks: bool, on_event: OnEvent) -> None:
        self._pictures, self._landmarks, self._on_event = pictures, landmarks, on_event
        self.broken: list[str] = []
        self.unmarked = 0

    def __iter__(self) -> Iterator[_Face]:
        with FaceFinder(max_faces=1, stills=True) if self._landmarks else ExitStack() as finder:
            for i in range(len(self._pictures)):
                try:
                    face = self._face(i, finder if isinstance(finder, FaceFinder) else None)
                except DatasetError as error:
                    self.broken.append(str(error))
                else:
                    if face is not None:
                        yield face
                self._on_event({"step": i + 1, "of": len(self._pictures)})

    def _face(self, index: int, finder: FaceFinder | None) -> _Face | None:
        pictures, name = self._pictures, f"{index:06d}"
        pixels = pictures.original(index)
        subject = None if pictures.subjects is None else pictures.subjects[index]
        facts = {} if subject is None else {"actor": subject}
        more = {}
        if finder is not None:
            points = points_of_crop(finder, pictures.original(index, colour=False))
            if points is None:
                self.unmarked += 1
                return None
            more["landmarks"] = _points(points)
            # The index must say whom a picture shows: whom nobody names stands for himself.
            facts = facts or {"clip": name}
        return _Face(FACE_LABELS[pictures.labels[index]], name, pixels, facts, more)


def _write(faces: Iterator[_Face], output: Path, balance: bool, seed: int) -> dict[str, int]:
    import cv2

    written: dict[str, list[tuple[str, tuple[str, ...], Mapping[str, str]]]] = {}
    for face in faces:
        folder = output / face.label
        folder.mkdir(parents=True, exist_ok=True)
        files = written.setdefault(face.label, [])
        # Clips may be called alike but for their endings; numbers differ.
        number = f"{len(files):06d}"
        coded = cv2.imencode(".png", face.pixels[..., ::-1])[1]
        (folder / f"{number}.png").write_bytes(coded.tobytes())
        for column, content in face.beside.items():
            (folder / f"{number}{_ENDINGS[column]}").write_bytes(content)
        files.append((face.name, tuple(face.beside), face.facts))
    rng = np.random.default_rng(seed)
    least = min((len(files) for files in written.values()), default=0)
    counts, rows = {}, []
    for label, files in sorted(written.items()):
        order = rng.permutation(len(files))
        kept = order[:least] if balance else order
        for i in set(range(len(files))) - set(kept.tolist()):
            _files(output / label, f"{i:06d}", files[i][1], None)
        for place, i in enumerate(kept):
            number, (name, beside, facts) = f"{i:06d}", files[i]
            paths = _files(output / label, number, beside, f"{place:06d}-{name}")
            rows.append({"label": label, **facts, **{c: f"{label}/{path}" for c, path in paths.items()}})
        counts[label] = len(kept)
    if any({"clip", "actor"} & row.keys() for row in rows):
        (output / INDEX_FILE).write_text(_table(rows), encoding="utf-8")
    return counts


def _files(folder: Path, name: str, beside: Sequence[str], renamed: str | None) -> dict[str, str]:
    """Rename a picture and what lies beside it, or remove them; gives the new names by column."""
    paths = {}
    for column, ending in {"path": ".png", **{c: _ENDINGS[c] for c in beside}}.items():
        file = folder / f"{name}{ending}"
        if renamed is None:
            file.unlink()
        else:
            paths[column] = file.rename(folder / f"{renamed}{ending}").name
    return paths


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    """Make the text of the index, with the columns of which anything is known."""
    columns = [column for column in _COLUMNS if any(column in row for row in rows)]
    text = io.StringIO()
    table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()
