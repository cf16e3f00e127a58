"""Recording: the files of `analyze`, written as rows come, so that a crash loses at most a second.

The CSV grows row by row, and is brought to disk every second.  Beside it lies a small file with what the JSON
needs beyond the rows.  At the end the JSON is made of both.  What a crash left is finished by the next
recording into the same folder.
"""

from __future__ import annotations

import csv
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from emoview.common.files import unwritable, write_whole
from emoview.common.names import fitting
from emoview.common.stored import read_json as read_stored
from emoview.errors import InputError
from emoview.live.causal.result import StreamFacts
from emoview.output.csv import row_cells
from emoview.output.json import json_file
from emoview.pipeline.stand_ins import AFFECT
from emoview.timeline.clock import time_of
from emoview.timeline.labels import LABELS
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis, FaceBox, MediaFacts, Overall, Row, Verdict, WeightUsed
from emoview.timeline.segments import segments_of
from emoview.timeline.shares import summed_up

_EVERY_S: Final = 1.0
_OPEN: Final = ".recording.json"
"""Ending of the file beside a recording that goes on, or that a crash left."""


class _Kept(Struct):
    """What the JSON needs beyond the rows."""

    kind: str
    facts: dict[str, str | int | float | None]
    options: dict[str, Any]
    device: str
    weights: dict[str, str]
    warnings: list[Annotated[str, Meta(max_length=4000)]]


KIND: Final = "emoview recording"
Finish = Callable[[list[Row], list[str]], Analysis]


class Recorder:
    """Writes the rows of a session as they come; closed as a context manager.

    Args:
        folder: Where to; made where it is not there.
        stem: Name of the files without ending; another is taken where it is there already.
        options: How the session analyses.
        facts: Gives what is known of the source.
        weights: Gives the weight files that take part.
        device: What the networks run on.

    Attributes:
        csv: The table.
        rows: How many have been written.

    Raises:
        OutputError: The folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        stem: str,
        options: Options,
        *,
        facts: Callable[[], StreamFacts],
        weights: Callable[[], dict[str, str]],
        device: str,
    ) -> None:
        self._options, self._facts, self._weights, self._device = options, facts, weights, device
        # Says how a row is written, whatever rows there are.
        self._form = _result([], StreamFacts(stem), options, device, {}, [])
        self._notes: list[str] = []
        self._text = b""
        self.rows = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.csv = _free(folder, stem)
            self._open = self.csv.with_suffix("").with_name(self.csv.stem + _OPEN)
            self._file: IO[str] = self.csv.open("x", encoding="utf-8", newline="")
        except OSError as error:
            raise unwritable(folder, error) from error
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(self._form.columns)
        self._synced = 0.0
        self._sync(time.monotonic())

    def add(self, rows: list[Row]) -> None:
        """Write the rows of a tick.

        Raises:
            OutputError: The disk is full, or gone.
        """
        self.rows += len(rows)
        try:
            for row in rows:
                self._writer.writerow(row_cells(self._form, row))
            now = time.monotonic()
            if now - self._synced >= _EVERY_S:
                self._sync(now)
        except OSError as error:
            raise unwritable(self.csv, error) from error

    def note(self, sentence: str) -> None:
        """Keep what a user should know."""
        if len(self._notes) < 200:
            self._notes.append(sentence)
        self._keep()

    def close(self, finish: Finish | None = None) -> list[Path]:
        """End the recording, and make the JSON; gives the files."""
        try:
            self._sync(time.monotonic())
            self._file.close()
        except OSError as error:
            raise unwritable(self.csv, error) from error
        return finished(self._open, finish)

    def discard(self) -> None:
        """Leave nothing, since nothing was recorded."""
        self._file.close()
        self.csv.unlink(missing_ok=True)
        self._open.unlink(missing_ok=True)

    def _sync(self, now: float) -> None:
        self._synced = now
        self._file.flush()
        os.fsync(self._file.fileno())
        self._keep()

    def _keep(self) -> None:
        kept = _Kept(
            KIND, asdict(self._facts()), asdict_of(self._options), self._device, self._weights(), self._notes
        )
        text = msgspec.json.encode(kept)
        if text != self._text:
            self._text = text
            write_whole(self._open, text)


def asdict_of(options: Options) -> dict[str, Any]:
    """Give options by name; several run folders as one text, for they are told in the JSON alone."""
    values = {name: getattr(options, name) for name in Options.__slots__}
    if isinstance(values["weights"], tuple):
        values["weights"] = "; ".join(values["weights"])
    return values


def _free(folder: Path, stem: str) -> Path:
    """Give a name that nothing has yet."""
    stem = fitting(stem, [".csv", ".json", _OPEN, "-999.json"])
    for number in range(1, 1000):
        path = folder / (f"{stem}.csv" if number == 1 else f"{stem}-{number}.csv")
        # Pictures would lie beside, and may be what is played.
        if not any(path.with_suffix(ending).exists() for ending in (".csv", ".json", ".mkv")):
            return path
    raise InputError(f"{folder} holds a thousand recordings of this name: choose another folder")


def finish_left(folder: Path) -> list[Path]:
    """Make the JSON of recordings in a folder that a crash left; gives the files."""
    written: list[Path] = []
    for left in sorted(folder.glob(f"*{_OPEN}")) if folder.is_dir() else []:
        with suppress(InputError, OSError), _table_of(left).open("rb") as table:
            # Whoever is recording holds the lock.
            fcntl.flock(table, fcntl.LOCK_EX | fcntl.LOCK_NB)
            written += finished(left, None)
    return written


def finished(left: Path, finish: Finish | None) -> list[Path]:
    """Make the JSON of a recording whose file of facts is `left`.

    Raises:
        InputError: It is damaged.
    """
    table = _table_of(left)
    kept = read_stored(left, _Kept, "record again")
    if kept.kind != KIND:
        raise InputError(f"{left} is no recording of emoview live")
    merged = tuple(tuple(group) for group in kept.options.get("merge", ()))
    try:
        options = Options(**{**kept.options, "merge": merged})
        facts = StreamFacts(**kept.facts)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(f"{left} is of another version of emoview, which can finish it") from None
    _cut_torn(table)
    rows = list(read_rows(table, options))
    if finish is not None:
        result = finish(rows, kept.warnings)
    else:
        said = [*kept.warnings, "the recording was cut off: emoview ended before it"]
        result = _result(rows, facts, options, kept.device, kept.weights, said)
    path = table.with_suffix(".json")
    write_whole(path, json_file(result, path))
    left.unlink(missing_ok=True)
    return [table, path]


def _table_of(left: Path) -> Path:
    return left.with_name(left.name.removesuffix(_OPEN) + ".csv")


def _cut_torn(table: Path) -> None:
    """Cut off a last line that was not written whole."""
    with table.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        back = min(size, 1 << 16)
        file.seek(size - back)
        tail = file.read(back)
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail):
            file.truncate(size - back + whole)


def read_rows(table: Path, options: Options) -> Iterator[Row]:
    """Read rows from a CSV as `analyze` writes it.

    Raises:
        InputError: It is damaged.
    """
    naming = options.naming
    with table.open(encoding="utf-8", newline="") as file:
        for number, cells in enumerate(csv.DictReader(file), 2):
            try:
                face = cells["face_id"]
                yield Row(
                    int(cells["tick"]), int(face) if face else None, _box(cells), _seven(cells, "face"),
                    _seven(cells, "voice"), _seven(cells, "fused"), _number(cells["valence"]),
                    _number(cells["arousal"]), naming, speaking=cells.get("speaking") == "1",
                )  # fmt: skip
            except (KeyError, TypeError, ValueError):
                raise InputError(f"{table} is damaged in line {number}: record again") from None


def _number(cell: str) -> float | None:
    return None if cell == "" else float(cell)


def _seven(cells: dict[str, str], modality: str) -> tuple[float, ...] | None:
    values = [cells[f"{modality}_{label}"] for label in LABELS]
    return None if "" in values else tuple(map(float, values))


def _box(cells: dict[str, str]) -> FaceBox | None:
    values = [cells[f"box_{part}"] for part in ("x", "y", "width", "height")]
    return None if "" in values else FaceBox(*map(float, values))


def _overall(rows: list[Row], options: Options) -> Overall:
    """Give the verdicts by the mean probabilities of rows: what the networks said is not known any more."""

    def verdict(modality: str) -> Verdict | None:
        said = [values for row in rows if (values := getattr(row, modality)) is not None]
        if not said:
            return None
        means = [sum(column) / len(said) for column in zip(*said, strict=True)]
        return Verdict.of(tuple(round(p / sum(means), 6) for p in means), options.naming)

    return Overall(face=verdict("face"), fused=verdict("fused"), voice=verdict("voice"))


def _result(
    rows: list[Row],
    facts: StreamFacts,
    options: Options,
    device: str,
    weights: dict[str, str],
    warnings: list[str],
) -> Analysis:
    """Make a result of the rows alone."""
    ticks = rows[-1].tick + 1 if rows else 0
    share = 1 / max(1, ticks)
    with_face = len({row.tick for row in rows if row.face_id is not None})
    speech = len({row.tick for row in rows if row.voice is not None})
    # Each track counts as a person.
    faces = len({row.face_id for row in rows} - {None})
    media = MediaFacts(
        **asdict(facts) | {"duration_s": time_of(ticks), "ticks": ticks, "audio_level_db": None},
        face_share=round(with_face * share, 4), speech_share=round(speech * share, 4),
        faces=faces, persons=faces,
    )  # fmt: skip
    timeline = tuple(rows)
    segments = segments_of(timeline, shortest_s=options.min_segment)
    return summed_up(Analysis(
        media, _overall(rows, options), segments, timeline, options,
        "late" if any(row.face and row.voice for row in rows) else "none", device,
        tuple(WeightUsed(name, digest) for name, digest in weights.items()), tuple(warnings), {},
        affect="estimated" if any(name.startswith(f"{AFFECT}/") for name in weights) else "derived",
    ))  # fmt: skip
