"""Arrays that take long to compute, kept in the folder of a run for when it goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.common.stored import read_arrays


def kept(
    file: Path,
    of: bytes,
    shape: tuple[int | None, ...],
    compute: Callable[[], NDArray[np.float32]],
    *,
    finite: bool = False,
) -> NDArray[np.float32]:
    """Read an array back, or compute it and store it.

    Args:
        file: An `.npz`; its folder is there.
        of: What the array depends on; one that was computed of something else is computed anew.
        shape: It has; None is any length.
        compute: Makes it.
        finite: Whether all of it must be numbers.

    Raises:
        InputError: The file is damaged.
    """
    key = hashlib.sha256(of).hexdigest()
    if file.exists():
        stored = read_arrays(file, "remove it, and it is made again")
        if str(stored.need("key", "U", ())) == key:
            return stored.need("values", "f", shape, finite=finite)
    values = compute()
    partial = file.with_name(f"partial-{file.name}")
    np.savez(partial, values=values, key=key)
    partial.replace(file)
    return values
