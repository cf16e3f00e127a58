"""Faces out of videos annotated with valence and arousal, kept as pictures beside a table."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.common.files import whole_folder, write_whole
from emoview.datasets.affect import LabelledAffect, read_affect, recognised_affect
from emoview.datasets.picture_index import INDEX_FILE
from emoview.datasets.semaine import Recording, read_semaine
from emoview.datasets.tables import read_table
from emoview.errors import DecodeError, InputError
from emoview.face.ibug import ibug_landmarks
from emoview.face.square import square
from emoview.face.still import StillFaces
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.media.process import DecodeLog
from emoview.networks.seen import plain
from emoview.timeline.clock import TICK_HZ
from emoview.training.systems.events import OnEvent

FRAMES: Final = "frames"
"""Folder in that of a run, or of a search, for the faces of videos."""
_COLUMNS = ("path", "valence", "arousal", "video", "actor", "time_s")
# Faces are looked for in pictures of up to this side, and cut out of them.
_LONGEST_SIDE = 1920
_QUALITY = 95


def open_affect(source: Path, frames: Path, on_event: OnEvent) -> LabelledAffect:
    """Read frames with valence and arousal; of videos, the faces are taken out first.

    Args:
        source: As in `read_affect`, or SEMAINE.
        frames: Folder for the faces of videos.  What is there already of the same videos stays.
        on_event: Told how far it is.

    Raises:
        DatasetError: Something does not fit.
        InputError: A video cannot be decoded, or no face is found in any.
    """
    source = Path(source)
    if not source.exists() or recognised_affect(source) != "semaine":
        return read_affect(source)
    recordings = read_semaine(source)
    folder = frames / f"semaine-{_key(recordings)}"
    take_frames(recordings, folder, on_event)
    return read_affect(folder)


def take_frames(recordings: Sequence[Recording], folder: Path, on_event: OnEvent) -> int:
    """Write the faces of videos as `FOLDER/RECORDING/TICK.jpg`, and in the end `FOLDER/index.csv`.

    Of each video one frame of ten that is rated; its face is found as in photographs, and cut out as those of
    AFEW-VA are (`emoview.face.square`).  Frames without a face are left out.  A recording is written whole or
    not at all; called again, it goes on with the next.

    Returns:
        How many faces there are.

    Raises:
        DatasetError: A trace does not fit.
        InputError: A video cannot be decoded, or no face is found in any.
    """
    rows: list[dict[str, str]] = []
    with StillFaces() as stills:
        for number, recording in enumerate(recordings):
            place = folder / plain(recording.name)
            if not (place / INDEX_FILE).is_file():
                _write(recording, place, stills)
            rows += [
                {**row.values, "path": f"{place.name}/{row['path']}"}
                for row in read_table(place / INDEX_FILE, _COLUMNS)
            ]
            on_event({"step": number + 1, "of": len(recordings)})
    if not rows:
        raise InputError("no face is found in the rated frames of the videos: do they show people?")
    on_event({"faces": f"{len(rows)} of one rated frame of ten; frames without a face are left out"})
    write_whole(folder / INDEX_FILE, _table(rows))
    return len(rows)


def _write(recording: Recording, place: Path, stills: StillFaces) -> None:
    """Write the faces of a recording with their table."""
    import cv2

    ticks, values = recording.rated()
    rows: list[dict[str, str]] = []
    with whole_folder(place) as temporary:
        for i, picture in _frames(recording.video, ticks):
            mesh = stills.mesh(picture)
            face = None if mesh is None else square(picture, ibug_landmarks(mesh))
            if face is None:
                continue
            tick = int(ticks[i])
            coded = cv2.imencode(".jpg", face[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
            (temporary / f"{tick:06d}.jpg").write_bytes(coded.tobytes())
            valence, arousal = (f"{value:.4f}" for value in values[i])
            rows.append({
                "path": f"{tick:06d}.jpg", "valence": valence, "arousal": arousal,
                "video": plain(recording.name), "actor": plain(recording.person),
                "time_s": f"{tick / TICK_HZ:.2f}",
            })  # fmt: skip
        # Its name is the last of them, so that it is moved when the pictures are there.
        (temporary / INDEX_FILE).write_text(_table(rows))


def _frames(video: Path, ticks: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Decode the pictures of some ticks, in order: the position of each tick, and its picture, RGB."""
    wanted = {int(tick): i for i, tick in enumerate(ticks)}
    log = DecodeLog()
    with PictureDecoder(probe(video), longest_side=_LONGEST_SIDE, log=log) as decoder:
        for tick, picture in decoder:
            if tick in wanted:
                yield wanted[tick], picture
    if log.failure is not None:
        raise DecodeError(f"{video} cannot be decoded to its end ({log.failure}): fetch it again")


def _table(rows: Iterable[dict[str, Any]]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _key(recordings: Sequence[Recording]) -> str:
    """Name videos and their traces, so that the name changes with any of them."""
    digest = hashlib.sha256()
    for recording in recordings:
        for file in (recording.video, *recording.traces["V"], *recording.traces["A"]):
            facts = file.stat()
            digest.update(f"{file.resolve()} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]
