"""What was done: one record a clip, so that a batch that was cut off goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from emoview.batch.inputs import Clip
from emoview.batch.storage import Place, write_whole
from emoview.batch.summary import checked_row, summary_files
from emoview.common.files import sha256_of
from emoview.common.names import FACES, LABEL
from emoview.common.text import name_of, shown
from emoview.errors import InputError, OutputError
from emoview.networks.weights import MANIFEST, weights_folder
from emoview.output.read import of_what
from emoview.output.writers import WRITERS
from emoview.timeline.options import Options

FOLDER: Final = ".emoview"
"""Hidden folder of the records in the output folder."""

_RECORD = ".json"
# Instead of the name of a file.
_UNKNOWN = "an unknown file"
_WHOLE_BYTES = 1 << 20
_PART_BYTES = 1 << 16
_MOST_RECORD = 1 << 26


@dataclass(frozen=True)
class Wanted:
    """What a batch writes for each clip.

    Attributes:
        options: How each clip is analysed.
        formats: Keys of `WRITERS`.
        challenge: Whether a text file with one label is written.
        contact_sheet: Whether the pictures of the faces are written.
    """

    options: Options
    formats: tuple[str, ...]
    challenge: bool = False
    contact_sheet: bool = False

    def asked(self) -> dict[str, Any]:
        """Give what was asked for, by name."""
        return {**asdict(self), "options": self.options.asked()}

    @property
    def endings(self) -> tuple[str, ...]:
        """Name the endings of all files that are written for a clip, its record among them."""
        return (*self._endings.values(), _RECORD)

    @property
    def _endings(self) -> dict[str, str]:
        endings = {name: WRITERS[name].suffix for name in self.formats}
        if self.challenge:
            endings["challenge"] = LABEL
        if self.contact_sheet:
            endings["contact_sheet"] = FACES
        return endings

    def outputs(self, folder: Place, name: str) -> dict[str, Place]:
        """Name the files of a clip, by what they are."""
        return {kind: folder / f"{name}{ending}" for kind, ending in self._endings.items()}


def fingerprint(path: Place) -> dict[str, Any] | None:
    """Give size and hash of a file, of large files that of head, middle and tail; None if unreadable."""
    digest = hashlib.sha256()
    try:
        # Opening a pipe or a device may block for ever.
        if isinstance(path, Path) and not path.is_file():
            return None
        size = path.stat().st_size
        with path.open("rb") as file:
            if size <= _WHOLE_BYTES:
                digest.update(file.read())
            else:
                for place in (0, size // 2, size - _PART_BYTES):
                    file.seek(place)
                    digest.update(file.read(_PART_BYTES))
    except (OSError, ValueError, InputError):
        return None
    return {"size": size, "sha256": digest.hexdigest()}


def hash_of_weights(runs: Sequence[str], baseline: str | None) -> str:
    """Hash what decides about the answers: what ships, the runs that stand in, a person's baseline."""
    digest = hashlib.sha256((weights_folder() / MANIFEST).read_bytes())
    for run in runs:
        for file in sorted(Path(run).iterdir()):
            if file.suffix in (".keras", ".json") and file.is_file():
                digest.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    if baseline is not None:
        digest.update(b"baseline" + hashlib.sha256(Path(baseline).read_bytes()).digest())
    return digest.hexdigest()


@dataclass(frozen=True)
class _Record:
    """What is kept of a clip that is done: on what it depends, its files with their sizes, and its row.

    And the hash of all of its content, where that is known.
    """

    key: dict[str, Any] | None
    outputs: dict[str, int]
    row: dict[str, Any]
    sha256: str | None = None


def _read(file: Place) -> _Record:
    """Read a record.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged.
        RecursionError: Likewise.
    """
    if file.stat().st_size > _MOST_RECORD:
        raise ValueError
    return msgspec.convert(json.loads(file.read_text("utf-8")), _Record)


def refuse_lists(inputs: Sequence[str], clips: Sequence[Clip], folder: Place, wanted: Wanted) -> None:
    """Refuse to write a result, or the summary, over a list that is read.

    Raises:
        InputError: A list has the name of one.
    """
    if not isinstance(folder, Path):
        return
    root = Path(os.path.realpath(folder))
    goals = {goal for clip in clips for goal in wanted.outputs(root, clip.name).values()}
    for text in inputs:
        if Path(os.path.realpath(text)) in goals.union(summary_files(root)):
            raise InputError(f"{name_of(text)} would be overwritten: choose another folder with -o")


class Records:
    """The records of an output folder."""

    def __init__(self, folder: Place, wanted: Wanted) -> None:
        from emoview import __version__

        self._folder, self._wanted = folder, wanted
        asked = json.loads(json.dumps(wanted.asked()))
        weights = hash_of_weights(wanted.options.runs, wanted.options.baseline)
        self._common = {"emoview": __version__, "wanted": asked, "weights": weights}
        added = {name: str(WRITERS.packages[name]) for name in wanted.formats if name not in WRITERS.own}
        if added:
            # Another version of a package may write otherwise.
            self._common["formats_of"] = added

    def key(self, clip: Clip) -> dict[str, Any] | None:
        """Tell what the results of a clip depend on; None for a file that cannot be read."""
        content = fingerprint(clip.path)
        if content is None:
            return None
        stretch = [clip.stretch.start_s, clip.stretch.end_s]
        return {**self._common, "path": str(clip.path), "content": content, "stretch": stretch}

    def row(self, clip: Clip, key: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Give the row of a clip that is done as it is asked for now; None if it is to be done."""
        if key is None:
            return None
        file = record_file(self._folder, clip.name)
        try:
            record = _read(file)
            row = checked_row(record.row)
            done = record.key == key and not _changed_within(clip.path, file, record.sha256)
            for path in self._wanted.outputs(self._folder, clip.name).values():
                done = done and path.stat().st_size == record.outputs[path.name]
        except (OSError, ValueError, KeyError, RecursionError):
            # Whatever is missing or damaged is made again.
            return None
        return row if done else None

    def other(self, clip: Clip, key: Mapping[str, Any] | None) -> str | None:
        """Name the file whose results those of a clip are going to replace; None where there is no such."""
        try:
            before = _read(record_file(self._folder, clip.name)).key
        except (OSError, ValueError, RecursionError):
            return self._of_no_batch(clip)
        # A file that was moved, or is written anew under its name, is the same; but a name that counts from
        # some folder may be that of another.
        same = ["content", *(["path"] if isinstance(clip.path, Path) and clip.path.is_absolute() else [])]
        if not before or not key or any(before.get(name) == key[name] for name in same):
            return None
        return str(before.get("path"))

    def _of_no_batch(self, clip: Clip) -> str | None:
        """Do as `other` where no batch has left a record: a result, or somebody's own file, may be there."""
        goals = self._wanted.outputs(self._folder, clip.name).values()
        if clip.fault or not any(isinstance(goal, Path) and goal.exists() for goal in goals):
            return None
        there = of_what(Path(str(self._folder / f"{clip.name}.json")))
        if there is None or there.source is not None:
            return _UNKNOWN if there is None else f"{there.source} about {there.path}"
        same = there.path == shown(clip.path) or (
            isinstance(clip.path, Path) and there.sha256 == sha256_of(clip.path)
        )
        return None if same else there.path

    def discard(self, clip: Clip) -> None:
        """Remove what an earlier run wrote for a clip that has failed now, if it is about something else.

        A file that cannot be read now, as on a disk that is not there, may hold what it did.
        """
        file = record_file(self._folder, clip.name)
        key = self.key(clip)
        try:
            before = _read(file)
            same = key == before.key and not _changed_within(clip.path, file, before.sha256)
        except (OSError, ValueError, RecursionError):
            return
        if key is None or same:
            return
        outputs = before.outputs
        beside = self._folder / clip.name
        for name in outputs:
            # A record that was tampered with removes nothing else.
            if name.startswith(beside.name) and "/" not in name and "\0" not in name:
                beside.with_name(name).unlink(missing_ok=True)
        file.unlink(missing_ok=True)


def _changed_within(path: Place, record: Place, sha256: str | None) -> bool:
    """Tell whether a large file is newer than its record, and other where `fingerprint` does not look."""
    if not isinstance(path, Path) or not isinstance(record, Path) or sha256 is None:
        return False
    there = path.stat()
    if there.st_size <= _WHOLE_BYTES or there.st_mtime_ns <= record.stat().st_mtime_ns:
        return False
    if sha256_of(path) != sha256:
        return True
    # Of a copy the next batch need not read all again.
    with suppress(OSError):
        os.utime(record)
    return False


def record_file(folder: Place, name: str) -> Place:
    """Name the record of a clip."""
    return folder / FOLDER / f"{name}{_RECORD}"


def write_record(
    folder: Place,
    name: str,
    key: Mapping[str, Any] | None,
    outputs: list[Place],
    row: Mapping[str, Any],
    sha256: str | None = None,
) -> None:
    """Note that a clip is done, after all its files were written."""
    try:
        sizes = {path.name: path.stat().st_size for path in outputs}
    except OSError as error:
        raise OutputError(
            f"a result of {name} disappeared ({error.strerror}): check whether another program writes to the "
            "folder"
        ) from error
    record = {"key": key, "outputs": sizes, "row": row, "sha256": sha256}
    # In ASCII, because a file name may hold bytes that are no text.
    write_whole(record_file(folder, name), json.dumps(record, allow_nan=False) + "\n")
