"""Reading back what was stored: whatever a file holds, it is read, or refused in one sentence.

JSON is checked against a type while it is decoded, arrays are read without pickle, and what unpacks to more
than it should is refused before it is unpacked.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from emoview.common.text import name_of
from emoview.errors import EmoviewError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_TEXT: Final = 64 * 2**20
"""So many bytes a file may have that a person could have written, or that describes a run."""
MOST_UNPACKED: Final = 2**30
"""So many bytes an archive may unpack to."""
MOST_ARRAYS: Final = 64 * 2**30
"""So many bytes arrays that emoview computed may unpack to: the features of a large corpus are that many."""
BROKEN_ARCHIVE: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError,
    KeyError, IndexError, OverflowError,
)  # fmt: skip
"""What zipfile raises where an archive is damaged."""

_MOST_SAID = 150
# An array's header is a line; a longer one is not parsed.
_MOST_HEADER = 10_000

T = TypeVar("T")


def is_file(path: Path) -> bool:
    """Tell whether there is such a file; unlike pathlib, also of names that no file can have."""
    return os.path.isfile(path)  # noqa: PTH113


def read_bytes(
    path: Path, cure: str, *, most: int = MOST_TEXT, error: type[EmoviewError] = InputError
) -> bytes:
    """Read a file, unless it is larger than such a file can be.

    Args:
        path: The file.
        cure: What to do where it cannot be read.
        most: Bytes.
        error: What is raised.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1) if path.stat().st_size <= most else None
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or failure
        raise error(f"{name_of(path)} cannot be read ({reason}): {cure}") from None
    if content is None or len(content) > most:
        raise error(f"{name_of(path)} is larger than {most // 2**20} MiB, too large to be read: {cure}")
    return content


def read_text(path: Path, cure: str, *, most: int = MOST_TEXT, error: type[EmoviewError] = InputError) -> str:
    """Read text in UTF-8, with or without a byte order mark; the arguments are those of `read_bytes`."""
    try:
        return read_bytes(path, cure, most=most, error=error).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise error(f"{name_of(path)} is not text in UTF-8: {cure}") from None


def read_json(
    path: Path, kind: type[T], cure: str, *, most: int = MOST_TEXT, error: type[EmoviewError] = InputError
) -> T:
    """Read JSON of a certain form.

    Args:
        path: The file.
        kind: The form, as msgspec understands types.
        cure: What to do where it cannot be read.
        most: Bytes.
        error: What is raised; it names the place where the form is another.
    """
    return decode_json(read_bytes(path, cure, most=most, error=error), kind, path, cure, error=error)


def decode_json(
    content: bytes, kind: type[T], path: Path, cure: str, *, error: type[EmoviewError] = InputError
) -> T:
    """Decode the JSON of a file that was read already; the arguments are those of `read_json`."""
    try:
        # A byte order mark, as some editors write it.
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=kind)
    except msgspec.ValidationError as failure:
        what, _, place = str(failure).partition(" - at ")
        where = f" at {place.strip('`')}" if place else ""
        raise error(f"{name_of(path)} is damaged{where} ({said_of(what)}): {cure}") from None
    except UnicodeDecodeError:
        raise error(f"{name_of(path)} is not JSON (its text is not UTF-8): {cure}") from None
    except ValueError as failure:
        raise error(f"{name_of(path)} is not JSON ({said_of(str(failure))}): {cure}") from None
    except RecursionError:
        raise error(f"{name_of(path)} is damaged (nested too deeply): {cure}") from None


def read_numbers(
    path: Path, kind: type[T], cure: str, *, most: int = MOST_TEXT, error: type[EmoviewError] = InputError
) -> T:
    """Do as `read_json` where figures may be NaN, which Python writes though JSON has no word for it."""
    text = read_text(path, cure, most=most, error=error)
    try:
        value = json.loads(text)
        # Halves of a character are no text, and cannot be printed.
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise error(f"{name_of(path)} is damaged (nested too deeply): {cure}") from None
    except ValueError as failure:
        raise error(f"{name_of(path)} is not JSON ({said_of(str(failure))}): {cure}") from None
    return convert_numbers(value, kind, path, cure, error=error)


def convert_numbers(
    value: object,
    kind: type[T],
    path: Path,
    cure: str,
    *,
    place: str = "",
    error: type[EmoviewError] = InputError,
) -> T:
    """Check a part of what a file holds: the arguments of `read_json`, and the place of the part."""
    try:
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError, OverflowError) as failure:
        where = f" at {quoted(place)}" if place else ""
        raise error(f"{name_of(path)} is damaged{where} ({said_of(str(failure))}): {cure}") from None


@dataclass(frozen=True)
class Arrays:
    """The arrays of an `.npz` file.

    Attributes:
        path: The file.
        cure: What to do where it lacks one.
        values: By name.
    """

    path: Path
    cure: str
    values: Mapping[str, NDArray[Any]]

    def need(
        self, name: str, kinds: str, shape: tuple[int | None, ...], *, finite: bool = True
    ) -> NDArray[Any]:
        """Give an array that the file must hold.

        Args:
            name: Of the array.
            kinds: Letters of the kinds of numpy that it may be of: `f` floating, `iu` whole, `U` text.
            shape: That it must have; None stands for any length.
            finite: Whether its numbers must be finite.

        Raises:
            InputError: There is no such array.
        """
        import numpy as np

        array = self.values.get(name)
        if (
            array is None
            or array.dtype.kind not in kinds
            or array.ndim != len(shape)
            or any(wanted not in (None, there) for wanted, there in zip(shape, array.shape, strict=True))
            or (finite and array.dtype.kind == "f" and not np.isfinite(array).all())
            or (array.dtype.kind == "U" and not _is_text(array))
        ):
            raise InputError(
                f"{name_of(self.path)} is damaged at {name_of(name)} (other values are kept there): "
                f"{self.cure}"
            )
        return array


def read_arrays(path: Path, cure: str, *, most: int = MOST_ARRAYS) -> Arrays:
    """Read every array of an `.npz` file; no pickle is.

    Args:
        path: The file.
        cure: What to do where it cannot be read.
        most: Bytes that it may unpack to.

    Raises:
        InputError: It is damaged, or too large.
    """
    arrays = {}
    with opened_archive(path, cure, most=most) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            try:
                arrays[name] = _array(lambda info=info: archive.open(info), info.file_size)  # type: ignore[misc]
            except Exception:
                # An array's header is Python, which numpy parses; what that raises has no common class.
                raise InputError(
                    f"{name_of(path)} is damaged at {name_of(name)} (no array of numbers): {cure}"
                ) from None
    return Arrays(path, cure, arrays)


def read_number(path: Path, cure: str, *, error: type[EmoviewError] = InputError) -> float:
    """Read an `.npy` file that holds one number, or the text of one."""
    content = read_bytes(path, cure, most=_MOST_HEADER, error=error)
    try:
        return float(_array(lambda: io.BytesIO(content), len(content)).item())
    except Exception:
        raise error(f"{name_of(path)} does not hold one number: {cure}") from None


@contextmanager
def opened_archive(
    path: Path, cure: str, *, most: int = MOST_UNPACKED, error: type[EmoviewError] = InputError
) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive, unless its members say that they unpack to more than such an archive can.

    A member that unpacks to more than it says is refused by `zipfile`, which reads no further.

    Args:
        path: The archive.
        cure: What to do where it cannot be read.
        most: Bytes that it may unpack to.
        error: What is raised.
    """
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise error(f"{name_of(path)} does not exist: {cure}") from None
    except BROKEN_ARCHIVE as failure:
        reason = getattr(failure, "strerror", None) or "it is not a whole zip archive"
        raise error(f"{name_of(path)} cannot be read ({reason}): {cure}") from None
    with archive:
        unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > most:
            raise error(
                f"{name_of(path)} unpacks to {unpacked / 2**30:.1f} GiB, more than the {most / 2**30:g} GiB "
                f"that are read: {cure}"
            )
        yield archive


def _is_text(array: NDArray[Any]) -> bool:
    """Tell whether the numbers that numpy keeps for characters are those of characters."""
    try:
        "".join(map(str, array.ravel())).encode()
    except (ValueError, SystemError):
        return False
    return True


def _array(opened: Callable[[], IO[bytes]], size: int) -> NDArray[Any]:
    """Read an array of plain values.

    Args:
        opened: Opens it, at its beginning.
        size: Bytes that there are. Numpy would make room for whatever the array's header says.

    Raises:
        ValueError: The header is no such array's, or says that there are more.
    """
    import numpy as np

    npy: Any = np.lib.format

    with opened() as file:
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(file)]
        shape, _, dtype = read(file)
    if dtype.hasobject or any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize > size:
        raise ValueError
    with opened() as file:
        array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
    return array


def quoted(text: str, most: int = 60) -> str:
    """Quote what a file says in a message, shortened."""
    return repr(text if len(text) <= most else f"{text[:most]}…")


def said_of(text: str) -> str:
    """Make a part of a sentence of what a decoder says."""
    said = name_of(text.removeprefix("JSON is malformed: "))
    return said[:1].lower() + (said[1:] if len(said) <= _MOST_SAID else f"{said[1:_MOST_SAID]}…")
