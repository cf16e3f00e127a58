"""Networks in files of Keras: saved whole, and loaded, from whomever they come, without running code."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import IO, Any, Final

from emoview.common.stored import BROKEN_ARCHIVE, MOST_UNPACKED, opened_archive
from emoview.errors import InputError, OutputError

MOST_WITH_OPTIMIZER: Final = 8 * MOST_UNPACKED
"""So many bytes a checkpoint may have: the optimizer's memory is several times that of the network."""

_NEEDED = frozenset({"metadata.json", "config.json", "model.weights.h5"})


def load_saved(file: Path, cure: str, *, compile: bool = False, most: int = MOST_UNPACKED) -> Any:  # noqa: A002
    """Load a network from a `.keras` archive.

    Args:
        file: The archive.
        cure: What to do where it cannot be loaded.
        compile: Whether its optimizer is loaded, too.
        most: Bytes that its members may have in all.

    Raises:
        InputError: It is no such archive, too large, or holds what Keras does not know or thinks unsafe.
    """
    import keras

    # The project's own layers are known to Keras once their modules are imported.
    import emoview.networks.blocks
    import emoview.networks.normalization
    import emoview.networks.preparation
    import emoview.networks.sequences
    import emoview.networks.speaker
    import emoview.networks.temporal  # noqa: F401

    _check(file, cure, most)
    try:
        with warnings.catch_warnings():
            # Keras goes on where weights are missing, with random ones in their place.
            warnings.filterwarnings("error", message="Skipping")
            return keras.models.load_model(file, compile=compile, safe_mode=True)
    except Exception as error:
        # What Keras and its back ends raise has no common class.
        raise unloadable(file, error, cure) from error


def save_whole(model: Any, file: Path) -> None:
    """Save a network, `.keras`, or its weights, `.weights.h5`; a file of this name is always whole.

    Raises:
        OutputError: It cannot be written; what was there is as it was.
    """
    # Keras tells what to write by the ending.
    partial = file.with_name(f".partial-{file.name}")
    try:
        (model.save_weights if file.name.endswith(".weights.h5") else model.save)(partial)
        partial.replace(file)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{file} cannot be written ({reason}): free space or choose another folder"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def load_weights(model: Any, file: Path, cure: str) -> None:
    """Load what `save_weights` of the same network wrote.

    Raises:
        InputError: The file is damaged, or of another network.
    """
    try:
        with file.open("rb") as content:
            check_arrays(content, MOST_WITH_OPTIMIZER)
        model.load_weights(file)
    except Exception as error:
        raise unloadable(file, error, cure) from error


def _check(file: Path, cure: str, most: int) -> None:
    with opened_archive(file, cure, most=most) as archive:
        members = {info.filename: info for info in archive.infolist()}
        # Keras packs nothing: what is packed was made by somebody else, and may unpack for minutes.
        if not members.keys() >= _NEEDED or any(
            m.compress_type != zipfile.ZIP_STORED for m in members.values()
        ):
            raise InputError(f"{file} is not a network as Keras saves it: {cure}")
        try:
            with archive.open("model.weights.h5") as content:
                check_arrays(content, most)
        except BROKEN_ARCHIVE as error:
            raise unloadable(file, error, cure) from None


def check_arrays(content: IO[bytes], most: int) -> None:
    """See to it that the arrays lie in the file itself, and unpack to no more than they may.

    Raises:
        ValueError: They do not.
    """
    import h5py

    with h5py.File(content, "r") as file:
        groups, total = [file], 0
        seen: set[int] = set()
        while groups:
            group = groups.pop()
            address = h5py.h5o.get_info(group.id).addr
            if address in seen:
                raise ValueError("it holds itself")
            seen.add(address)
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError("it points to another file")
                item = group[name]
                if isinstance(item, h5py.Group):
                    groups.append(item)
                elif item.external or item.is_virtual:
                    raise ValueError("it points to another file")
                else:
                    total += item.nbytes
                if total > most:
                    raise ValueError("it unpacks to too much")


def unloadable(file: Path, error: Exception, cure: str) -> InputError:
    """Say in a sentence that a file cannot be loaded, for what reason, and what to do."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return InputError(f"{file} cannot be loaded ({reason}): {cure}")
