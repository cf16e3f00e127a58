"""Frames annotated with valence and arousal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from emoview.common.stored import is_file, read_json
from emoview.datasets.affectnet import affectnet_parts, annotated, annotation
from emoview.datasets.files import PICTURES, choose_part, files_within
from emoview.datasets.labelled import LabelledPictures, decode
from emoview.datasets.picture_index import INDEX_FILE
from emoview.datasets.semaine import semaine_root
from emoview.datasets.tables import columns_of, read_table
from emoview.errors import DatasetError
from emoview.face.square import resized, square

AffectLayout = Literal["auto", "afew-va", "affectnet", "table", "semaine"]

_LANDMARKS = 68
# AFEW-VA (Kossaifi et al. 2017, Image and Vision Computing 65, 23-36) rates in whole steps to either side.
_STEPS = 10
# In pixels.
_FARTHEST = 1e6

_Frame = tuple[Path, float, float, NDArray[np.float32] | None, str]


_FileName = Annotated[str, Meta(pattern=r"^[^/\x00]+$")]


class _Video(Struct):
    """The annotations of AFEW-VA for a video; its frames are checked one by one."""

    frames: dict[_FileName, dict[str, Any]]
    video_id: str | int | float | None = None


@dataclass(frozen=True, eq=False)
class LabelledAffect:
    """Frames with valence and arousal.

    Attributes:
        frames: Pictures.
        values: `(n, 2)`, valence and arousal in [-1, 1].
        landmarks: `(n, 68, 2)`, x and y in pixels, where the data set has them.
        videos: The video that each frame is of, or the person where a table names one; frames of one must not
            stand on both sides of a split.
    """

    frames: tuple[Path, ...]
    values: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None
    videos: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.frames)

    def digests(self, chosen: Sequence[int] | NDArray[np.int64]) -> tuple[str, ...]:
        """Give the digests of some frames, those of `LabelledPictures`.

        Raises:
            DatasetError: A frame cannot be decoded.
        """
        frames = tuple(self.frames[i] for i in chosen)
        return LabelledPictures("frames", frames, np.zeros(len(frames), np.int64)).digests()

    def people(self, chosen: Sequence[int] | NDArray[np.int64]) -> tuple[str, ...] | None:
        """Name the videos that some frames are of; None where each frame stands for itself."""
        # A few frames, each of another video, are of these videos all the same.
        if all(video == frame.stem for video, frame in zip(self.videos, self.frames, strict=True)):
            return None
        return tuple(f"video {self.videos[i]}" for i in chosen)

    def crop(self, index: int, size: int) -> NDArray[np.uint8]:
        """Give what `face` does, brought to `(size, size, 3)`."""
        return resized(self.face(index), size)

    def part(self, kept: NDArray[np.int64], landmarks: NDArray[np.float32]) -> LabelledAffect:
        """Give the frames `kept`, with other landmarks `(kept, 68, 2)`."""
        return LabelledAffect(
            tuple(self.frames[i] for i in kept),
            self.values[kept],
            landmarks,
            tuple(self.videos[i] for i in kept),
        )

    def picture(self, index: int) -> NDArray[np.uint8]:
        """Give a whole frame `(height, width, 3)` RGB.

        Raises:
            DatasetError: It cannot be decoded.
        """
        try:
            return decode(self.frames[index], colour=True)
        except (OSError, ValueError):
            raise DatasetError(
                f"{self.frames[index]} cannot be decoded; fetch it again or take it out."
            ) from None

    def face(self, index: int) -> NDArray[np.uint8]:
        """Cut the face out: `(side, side, 3)` RGB.

        The square about the outermost landmarks and a small margin, black where it leaves the picture;
        the whole picture `(height, width, 3)` where there are no landmarks.

        Raises:
            DatasetError: The frame cannot be decoded.
        """
        image = self.picture(index)
        if self.landmarks is None:
            return image
        cut = square(image, self.landmarks[index])
        if cut is None:
            raise DatasetError(f"{self.frames[index]} has landmarks far outside it; correct them.")
        return cut


def read_affect(source: Path, part: str | None = None, *, layout: AffectLayout = "auto") -> LabelledAffect:
    """Read frames with valence and arousal.

    Args:
        source: A folder in the layout of AFEW-VA (`001/00000.png` and `001/001.json`), of AffectNet with
            `ID_val.npy` and `ID_aro.npy`, or a table with the columns frame or path, valence, arousal
            (in [-1, 1]), video and, optionally, actor; or a folder with such a table as `index.csv`.
        part: Of AffectNet, such as `train`.
        layout: `auto` recognises it.

    Raises:
        DatasetError: Something does not fit; the message names the line or the frame.
    """
    source = Path(source)
    if not source.exists():
        raise DatasetError(f"There is no {source}; name the folder or table that holds the annotations.")
    found = _recognised(source) if layout == "auto" else layout
    if found == "semaine":
        raise DatasetError(f"{source} holds videos of SEMAINE; emoview prepare takes the faces out of them.")
    if found == "affectnet":
        frames = list(_affectnet(source, part))
    else:
        table = source / INDEX_FILE if source.is_dir() else source
        frames = list(_table(table) if found == "table" else _afew_va(source))
    if not frames:
        raise DatasetError(f"{source} holds no frames with valence and arousal ({found}); put them there.")
    landmarks = [frame[3] for frame in frames if frame[3] is not None]
    return LabelledAffect(
        tuple(frame[0] for frame in frames),
        np.array([frame[1:3] for frame in frames], np.float32),
        np.stack(landmarks) if landmarks else None,
        tuple(frame[4] for frame in frames),
    )


def recognised_affect(source: Path) -> AffectLayout | None:
    """Recognise the layout of frames with valence and arousal; None for a folder that has none."""
    if source.is_file():
        return "table"
    if affectnet_parts(source):
        return "affectnet"
    if (source / INDEX_FILE).is_file():
        return "table" if {"valence", "arousal"} <= set(columns_of(source / INDEX_FILE)) else None
    if semaine_root(source) is not None:
        return "semaine"
    return "afew-va" if _annotations(source) else None


def _recognised(source: Path) -> str:
    found = recognised_affect(source)
    if found is None:
        raise DatasetError(
            f"{source} has none of the known layouts; looked for 001/001.json (afew-va), images beside "
            "annotations (affectnet), Sessions with *DV.txt and *DA.txt (semaine), and a table in place of a "
            "folder, or as index.csv in it."
        )
    return found


def _annotations(folder: Path) -> list[Path]:
    return sorted(p for p in files_within(folder) if p.suffix == ".json" and p.stem == p.parent.name)


def _afew_va(folder: Path) -> Iterator[_Frame]:
    for file in _annotations(folder):
        content = read_json(file, _Video, "fetch it again.", error=DatasetError)
        video = file.stem if content.video_id is None else str(content.video_id)
        for name, frame in sorted(content.frames.items()):
            yield _annotated(file, name, frame, video)


def _annotated(file: Path, name: str, frame: Any, video: str) -> _Frame:
    try:
        landmarks = np.array(frame["landmarks"], np.float64)
        values = [float(frame[key]) / _STEPS for key in ("valence", "arousal")]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        landmarks, values = np.zeros(0), []
    if landmarks.shape != (_LANDMARKS, 2) or not (abs(landmarks) < _FARTHEST).all():
        raise DatasetError(
            f"{file}, frame {name}: there must be {_LANDMARKS} landmarks, valence and arousal; "
            "correct it or take the frame out."
        )
    if not all(-1 <= value <= 1 for value in values):
        raise DatasetError(
            f"{file}, frame {name}: valence and arousal must lie between -{_STEPS} and {_STEPS}; correct it."
        )
    picture = next((p for e in sorted(PICTURES) if is_file(p := file.with_name(name + e))), None)
    if picture is None:
        raise DatasetError(f"{file}, frame {name}: there is no picture {name}.png beside it; add it.")
    return picture, values[0], values[1], landmarks.astype(np.float32), video


def _affectnet(folder: Path, part: str | None) -> Iterator[_Frame]:
    _, place = choose_part(affectnet_parts(folder), part, folder)
    for picture, valence in annotated(place, "val"):
        arousal = annotation(place, picture, "aro")
        # -2 stands for a picture that was not rated.
        if -2 in (valence, arousal):
            continue
        if not (-1 <= valence <= 1 and -1 <= arousal <= 1):
            raise DatasetError(
                f"{place}/annotations/{picture.stem}_val.npy: valence and arousal must lie between -1 and 1; "
                "correct them or take the picture out."
            )
        yield picture, valence, arousal, None, picture.stem


def _table(table: Path) -> Iterator[_Frame]:
    columns = columns_of(table)
    # Beside a path, a frame is a number.
    column = "frame" if "frame" in columns and "path" not in columns else "path"
    for row in read_table(table, [column, "valence", "arousal", "video"]):
        if not row["video"]:
            raise row.error("the video is empty; name it, for its frames must stay on one side.")
        whose = row.get("actor") or row["video"]
        yield row.file(column), row.number("valence", -1, 1), row.number("arousal", -1, 1), None, whose
