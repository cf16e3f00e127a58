"""Matrix products in parts so small that one thread computes each.

OpenBLAS, which numpy brings, shares larger ones out between threads, and these then keep the other cores busy
for some hundredths of a second, waiting for the next product.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# OpenBLAS shares out products of matrices from 4 x 65,536 multiplications on, and those of a matrix and a
# vector from 4 x 2,304 (interface/gemm.c, interface/gemv.c).
_OF_MATRICES: Final = 4 * 65_536
_OF_VECTORS: Final = 4 * 2_304


def product(rows: NDArray[Any], matrix: NDArray[Any]) -> NDArray[Any]:
    """Multiply `(n, k)` by `(k, m)` or `(k,)`: `(n, m)` or `(n,)`."""
    most = _OF_VECTORS if matrix.ndim == 1 else _OF_MATRICES
    each = max(1, (most - 1) // max(1, matrix.size))
    if len(rows) <= each:
        return np.asarray(rows @ matrix)
    return np.concatenate([rows[first : first + each] @ matrix for first in range(0, len(rows), each)])
