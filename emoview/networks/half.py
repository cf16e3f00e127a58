"""Weights in half precision, in which they ship: half the size, and the same answers to three digits.

Networks compute in single precision all the same: what is stored as halves is widened as it is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

_LARGE = 4096
"""So many numbers are worth it; small arrays, such as scales and means, stay as they are."""

_PACKED: Any = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
_WORTH = 512


def round_to_half(network: keras.Model) -> None:
    """Round the large kernels of a network to what half precision holds: eleven binary digits.

    Raises:
        ValueError: One is beyond its range, 65,504.
    """
    for variable in network.weights:
        if len(variable.shape) > 1 and np.prod(variable.shape) >= _LARGE:
            with np.errstate(over="ignore"):
                halves = np.asarray(variable).astype(np.float16)
            if not np.isfinite(halves).all():
                raise ValueError(f"{variable.path} is beyond the range of half precision")
            variable.assign(halves.astype(np.float32))


def as_stored(values: NDArray[Any]) -> NDArray[Any]:
    """Give large float32 arrays as float16 where nothing is lost by it, and all others as they are."""
    if values.dtype != np.float32 or values.size < _LARGE:
        return values
    with np.errstate(over="ignore"):
        halves = values.astype(np.float16)
    return halves if np.array_equal(halves.astype(np.float32), values) else values


def save_weights(network: keras.Model, path: Path) -> None:
    """Write the weights of a network as Keras reads them, each as `as_stored` gives it, and compressed."""
    # A file does not shrink where something in it does, so it is written twice.
    whole, partial = (path.with_name(f"{kind}-{path.name}") for kind in ("whole", "partial"))
    network.save_weights(whole)
    pack(whole, partial)
    whole.unlink()
    partial.replace(path)


def pack(whole: Path, packed: Path) -> None:
    """Copy a file of arrays, each as `as_stored` gives it, and compressed."""
    import h5py

    with h5py.File(whole) as full, h5py.File(packed, "w", libver="latest") as small:

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                values = as_stored(np.asarray(item))
                # A chunk of a small array takes more room than it saves.
                options = {**_PACKED, "chunks": values.shape} if values.size > _WORTH else {}
                copied = small.create_dataset(name, data=values, **options)
            else:
                copied = small.require_group(name)
            copied.attrs.update(item.attrs)

        small.attrs.update(full.attrs)
        full.visititems(copy)
