"""Where clips come from and results go to: a path, or an address such as `s3://bucket/clips`.

The only place that knows fsspec, which reaches what is behind an address.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypeAlias

from emoview.common import files
from emoview.common.names import fitting
from emoview.common.text import ADDRESS
from emoview.errors import EmoviewError, InputError, OutputError

_LOCAL: Final = "file://"
_WEB: Final = ("http", "https")
_STREAMS: Final = ("rtsp", "rtmp", "rtp:", "udp:", "srt:")
_TEMPORARY: Final = ".part"
_OBJECT_STORES: Final = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})
"""Protocols of stores in which an object is not to be seen before it is whole."""


@dataclass(frozen=True)
class Size:
    """What a batch asks of a file before it reads it."""

    st_size: int


@dataclass(frozen=True)
class Remote:
    """A file or folder at an address, with the part of pathlib's interface that a batch uses.

    Whatever goes wrong in reading is an OSError, as with a path.

    Attributes:
        address: Such as `s3://bucket/clips/a.mp4`, without a slash at its end.
    """

    address: str

    def __str__(self) -> str:
        return self.address

    def __truediv__(self, name: str | Path) -> Remote:
        return Remote(f"{self.address}/{PurePosixPath(name).as_posix()}")

    @property
    def parts(self) -> tuple[str, ...]:
        """Give the protocol with its slashes, then folders and name."""
        protocol, _, rest = self.address.partition("://")
        if protocol in _WEB:
            rest = rest.partition("#")[0].partition("?")[0]
        return (f"{protocol}://", *PurePosixPath(rest.lstrip("/")).parts)

    @property
    def name(self) -> str:
        """Give the last part."""
        return self.parts[-1]

    @property
    def suffix(self) -> str:
        """Give the extension with its point."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> Remote:
        """Give the folder."""
        return Remote(self.address.rpartition("/")[0])

    def with_name(self, name: str) -> Remote:
        """Give a neighbour."""
        return self.parent / name

    def absolute(self) -> Remote:
        """Give itself: no address depends on the current folder."""
        return self

    def is_dir(self) -> bool:
        """Tell whether it is a folder, or what an object store shows as one."""
        with self._reading() as (system, path):
            return bool(system.isdir(path))

    def stat(self) -> Size:
        """Give the size of the file."""
        with self._reading() as (system, path):
            return Size(int(system.info(path)["size"] or 0))

    def open(self, mode: str = "rb") -> Any:
        """Open the file to read bytes at any place."""
        with self._reading() as (system, path):
            return system.open(path, mode, cache_type="none")

    def read_bytes(self) -> bytes:
        """Read the whole file."""
        with self._reading() as (system, path):
            return bytes(system.cat_file(path))

    def read_text(self, encoding: str = "utf-8") -> str:
        """Read the whole file."""
        return self.read_bytes().decode(encoding)

    def unlink(self, *, missing_ok: bool = False) -> None:
        """Remove the file."""
        try:
            with self._reading() as (system, path):
                system.rm_file(path)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def find(self) -> list[Remote]:
        """List the files below it."""
        with self._reading() as (system, path):
            found = system.find(path, detail=True)
            return [self._below(path, name) for name, facts in found.items() if facts["type"] == "file"]

    def glob(self, pattern: str) -> list[Remote]:
        """List the files below it that match a pattern."""
        with self._reading() as (system, path):
            found = system.glob(f"{path.rstrip('/')}/{pattern}", detail=True)
            return [self._below(path, name) for name, facts in found.items() if facts["type"] == "file"]

    def fetch(self, target: Path) -> None:
        """Copy the file to this machine."""
        with self._reading() as (system, path):
            system.get_file(path, str(target))

    def put(self, content: bytes) -> None:
        """Write the file; where others could see half of it, under a temporary name that is changed.

        Raises:
            OutputError: It cannot be written; what was there is as it was.
        """
        try:
            with self._reading() as (system, path):
                if self._appears_whole:
                    system.pipe_file(path, content)
                else:
                    self._put_and_move(system, path, content)
        except OSError as error:
            raise OutputError(
                f"{self} cannot be written ({_reason(error)}): check -o and its rights"
            ) from error

    def _put_and_move(self, system: Any, path: str, content: bytes) -> None:
        temporary = self._temporary()
        part = temporary._system()[1]
        try:
            system.makedirs(self.parent._system()[1], exist_ok=True)
            system.pipe_file(part, content)
            _move(system, part, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a writer that was killed left beside it."""
        if not self._appears_whole:
            self._temporary().unlink(missing_ok=True)

    @property
    def _appears_whole(self) -> bool:
        return self.parts[0].removesuffix("://") in _OBJECT_STORES

    def _temporary(self) -> Remote:
        # Named by the file alone: it is found again without listing the folder, which may be a large one.
        return self.with_name(f"{fitting(f'.{self.name}', [_TEMPORARY])}{_TEMPORARY}")

    def _below(self, root: str, found: str) -> Remote:
        """Give the address of what a file system found below its own name of this place."""
        return self / found[len(root) :].lstrip("/")

    def _system(self) -> tuple[Any, str]:
        """Give the file system and the path in it.

        Raises:
            InputError: Nothing installed here knows the protocol.
        """
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise InputError(f"{self} is an address: pip install 'emoview[cluster]' to use one") from None
        try:
            # What other machines write meanwhile must be seen.
            system, path = url_to_fs(self.address, use_listings_cache=False)
        except Exception as error:
            # What the protocols raise has no common class, either.
            stream = self.parts[0].lower().startswith(_STREAMS)
            cure = ": record it with emoview analyze --allow-network" if stream else ""
            raise InputError(f"{self} cannot be reached: {_reason(error)}{cure}") from None
        return system, path

    @contextmanager
    def _reading(self) -> Iterator[tuple[Any, str]]:
        system, path = self._system()
        try:
            yield system, path
        except (OSError, EmoviewError):
            raise
        except Exception as error:
            # What object stores and their clients raise has no common class.
            raise OSError(_reason(error)) from error


def _move(system: Any, path: str, target: str) -> None:
    from fsspec.spec import AbstractFileSystem

    if type(system).mv is AbstractFileSystem.mv:
        # That one takes a name with brackets for a pattern.
        system.cp_file(path, target)
        system.rm_file(path)
    else:
        system.mv(path, target)


Place: TypeAlias = "Path | Remote"


def place_of(text: str) -> Place:
    """Tell an address from a path."""
    if text.startswith(_LOCAL):
        return Path(text.removeprefix(_LOCAL))
    return Remote(text.rstrip("/")) if ADDRESS.match(text) else Path(text)


def write_whole(place: Place, content: files.Content) -> None:
    """Write `content` whole or not at all.

    Raises:
        OutputError: It cannot be written; what was there is as it was.
    """
    if isinstance(place, Path):
        files.write_whole(place, content)
    else:
        place.put(content if isinstance(content, bytes) else "".join(content).encode())


def sweep(place: Place) -> None:
    """Remove what a writer that was killed left beside `place`, as far as that can be looked for."""
    if isinstance(place, Path):
        with suppress(OSError):
            files.sweep(place)
    else:
        place.sweep()


def refuse_unwritable(place: Place) -> None:
    """See to it that nobody works for hours for results that cannot be written.

    Raises:
        OutputError: There can be no file of this name. Of an address nothing is asked.
    """
    if isinstance(place, Path):
        files.refuse_unwritable(place)


@contextmanager
def fetched(place: Place) -> Iterator[Path]:
    """Give a file of this machine with the content of `place`, for as long as the block lasts.

    Errors in the block name `place`, wherever the file is.

    Raises:
        InputError: It cannot be fetched.
    """
    if isinstance(place, Path):
        yield place
        return
    with files.private_folder() as folder:
        # By the end of its name ffmpeg knows what it may be; the rest need not be a name on this machine.
        path = folder / f"clip{place.suffix if place.suffix[1:].isalnum() else ''}"
        try:
            place.fetch(path)
        except FileNotFoundError:
            raise InputError(f"{place} does not exist: check the name and the folder") from None
        except OSError as error:
            raise InputError(
                f"{place} cannot be fetched ({_reason(error)}): check it and its rights"
            ) from error
        try:
            yield path
        except EmoviewError as error:
            raise type(error)(str(error).replace(str(path), str(place))) from error


def _reason(error: BaseException) -> str:
    strerror = getattr(error, "strerror", None)
    return strerror or " ".join(str(error).split()) or type(error).__name__
