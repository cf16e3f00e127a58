"""Writing files whole or not at all, and leaving nothing behind.

What is not yet whole lies beside its place under a name of its own, `.NAME.part`, and whoever writes it
holds a lock on it (`flock`).  What is there without a lock was left by a writer that was killed: the next
one takes it over, and `sweep` removes it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import itertools
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias

from emoview.common.names import fitting
from emoview.common.text import name_of
from emoview.errors import InputError, OutputError

_TEMPORARY: Final = ".part"
# So many writers of one file at once are more than anybody starts.
_SWEPT: Final = 4
_DESCRIPTORS: Final = re.compile(r"/proc/(?:self|thread-self|\d+)(?:/task/\d+)?/fd")
_MOST_LINKS: Final = 8
_PRIVATE: Final = f"emoview-{os.getuid()}-"

Content: TypeAlias = "str | bytes | Iterable[str]"
"""Of a file: text, which is UTF-8 there, text in pieces, or bytes."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` to write to; it is renamed when the block ends well.

    Pipes and devices get the content then, and stay what they are.

    Raises:
        OutputError: No permission, no space, or the folder cannot be made; `path` is as it was.
    """
    try:
        if _is_stream(path):
            with private_folder() as folder:
                temporary = folder / path.name
                yield temporary
                with temporary.open("rb") as whole, path.open("wb") as stream:
                    shutil.copyfileobj(whole, stream)
            return
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path, folder=False) as temporary:
            yield temporary
            # A temporary file is private; a result should be as any new file is.
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder; its files are moved to `path` when the block ends well.

    It lies beside `path`, or in it where that is there: the folder may be another disk's, to which nothing
    can be moved.

    Raises:
        OutputError: No permission, no space, or a folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path / "files" if path.is_dir() else path, folder=True) as temporary:
            yield temporary
            path.mkdir(exist_ok=True)
            for file in sorted(temporary.iterdir()):
                file.replace(path / file.name)
    except OSError as error:
        raise unwritable(path, error) from error


def write_whole(path: Path, content: Content) -> None:
    """Write `content` under a temporary name beside `path`, then rename it.

    Raises:
        OutputError: No permission, no space, or the folder cannot be made; `path` is as it was.
    """
    with whole_file(path) as temporary, temporary.open("wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            # Text of a long video is made piece by piece: as a whole it would take more memory than the rows.
            for piece in [content] if isinstance(content, str) else content:
                file.write(piece.encode())
        file.flush()
        os.fsync(file.fileno())


def refuse_input(output: Path | None, *inputs: Path | None) -> None:
    """Refuse to write over a file that is read.

    Raises:
        InputError: The output is an input.
    """
    for one in inputs:
        # Unlike those of pathlib, these take whatever a command line may name.
        if output and one and os.path.isfile(output) and os.path.exists(one) and output.samefile(one):  # noqa: PTH110, PTH113
            raise InputError(f"{name_of(output)} would be overwritten: choose another name with -o")


def refuse_unwritable(path: Path) -> None:
    """See to it that nobody works for hours for results that cannot be written.

    Raises:
        OutputError: There can be no file of this name: its path is too long, it is that of a folder, or the
            folder above it may not be written to.
    """
    if os.path.lexists(path) and _is_stream(path):
        return
    reason = _objection(path.absolute())
    if reason is not None:
        raise OutputError(f"{name_of(path)} cannot be written ({reason}): choose another folder with -o")


def _objection(file: Path) -> str | None:
    if os.path.isdir(file):  # noqa: PTH112
        return "it is a folder"
    try:
        # Only a name that is too long for the system makes it raise.
        file.exists()
        above = next(folder for folder in file.parents if folder.exists())
    except OSError as error:
        return error.strerror
    if not above.is_dir():
        return f"{name_of(above)} is not a folder"
    return None if os.access(above, os.W_OK | os.X_OK) else f"{name_of(above)} may not be written to"


def sweep(path: Path) -> None:
    """Remove what writers that were killed left beside `path`; what others are writing stays."""
    for temporary in itertools.islice(_names(path), _SWEPT):
        _remove_if_left(temporary)


@contextmanager
def private_folder() -> Iterator[Path]:
    """Give an empty folder for temporary files that nobody else may read; it is gone after the block.

    Folders that were left by processes that were killed go with it.

    Raises:
        OutputError: The folder for temporary files takes none.
    """
    try:
        root = Path(tempfile.gettempdir())
        for left in root.glob(f"{_PRIVATE}*"):
            _remove_if_left(left)
        folder = Path(tempfile.mkdtemp(prefix=_PRIVATE))
    except OSError as error:
        raise OutputError(
            f"there is no room for temporary files ({error.strerror or error}): name a folder in TMPDIR"
        ) from error
    lock = os.open(folder, os.O_RDONLY)
    try:
        _try_lock(lock)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def unwritable(path: Path, error: OSError) -> OutputError:
    """Say that something cannot be written."""
    reason = error.strerror or str(error)
    return OutputError(f"{path} cannot be written ({reason}): free space or choose another folder with -o")


def _is_stream(path: Path) -> bool:
    """Tell whether a name stands for a pipe or a device, or for what the shell opened: none may be replaced.

    Raises:
        OutputError: It is the standard output or error, which a command has turned away from itself.
    """
    descriptor = _descriptor_of(path)
    if descriptor in ("1", "2"):
        raise OutputError(
            f"{path} is what a command prints to, and cannot be named like a file: name a file, or say - "
            "where the command takes it"
        )
    try:
        kind = path.stat().st_mode
    except OSError:
        return False
    return descriptor is not None or not (stat.S_ISREG(kind) or stat.S_ISDIR(kind))


def _descriptor_of(path: Path) -> str | None:
    """Give the number of the open file that a name such as `/dev/stdout` stands for; None for other names."""
    for _ in range(_MOST_LINKS):
        if _DESCRIPTORS.fullmatch(os.path.realpath(path.parent)):
            return path.name
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


def _names(path: Path) -> Iterator[Path]:
    """Give the temporary names for `path`: the first, and those for when it is taken."""
    name = fitting(path.name, [f"..999{_TEMPORARY}"])
    yield path.with_name(f".{name}{_TEMPORARY}")
    for number in itertools.count(2):
        yield path.with_name(f".{name}.{number}{_TEMPORARY}")


@contextmanager
def _locked(path: Path, *, folder: bool) -> Iterator[Path]:
    """Make, or take over, a temporary file or folder for `path`, empty and locked."""
    for temporary in _names(path):
        lock = _opened(temporary, folder=folder)
        if lock is None:
            continue
        try:
            yield temporary
        finally:
            if _is_still(temporary, lock):
                _remove(temporary)
            os.close(lock)
        return


def _opened(temporary: Path, *, folder: bool) -> int | None:
    """Open and lock; None where another writer is at it, or something else has the name."""
    while True:
        try:
            if folder:
                with suppress(FileExistsError):
                    temporary.mkdir(mode=0o700)
                lock = os.open(temporary, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            else:
                lock = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except (IsADirectoryError, NotADirectoryError):
            return None
        except FileNotFoundError:
            # Its writer has finished between the two steps.
            if folder and temporary.parent.is_dir():
                continue
            raise
        except OSError as error:
            if error.errno == errno.ELOOP:
                # A link, which is nobody's temporary file.
                return None
            raise
        if not _try_lock(lock):
            os.close(lock)
            return None
        if _is_still(temporary, lock):
            break
        # It has been renamed by its writer: what is locked now is a result.
        os.close(lock)
    if folder:
        for left in temporary.iterdir():
            _remove(left)
    else:
        os.ftruncate(lock, 0)
    return lock


@contextmanager
def held(folder: Path) -> Iterator[bool]:
    """Hold a folder that is there against other processes; gives whether none of them holds it."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        yield _try_lock(lock)
    finally:
        os.close(lock)


def _try_lock(lock: int) -> bool:
    """Lock; False where another process holds the lock."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks: two writers of one file are on their own there.
        return True
    return True


def _is_still(path: Path, lock: int) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    here = os.fstat(lock)
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def _remove_if_left(temporary: Path) -> None:
    """Remove a file or folder that nobody holds a lock on."""
    try:
        lock = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_still(temporary, lock):
            _remove(temporary)
    except OSError:
        # Somebody is at it, or there are no locks to tell.
        return
    finally:
        os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str | None:
    """Hash a file, in blocks; None for what is no regular file or cannot be read."""
    digest = hashlib.sha256()
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except (OSError, ValueError):
        return None
    return digest.hexdigest()
