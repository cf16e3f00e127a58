"""Products in parts are those of numpy."""

from __future__ import annotations

import numpy as np
import pytest

from emoview.common import products
from emoview.common.products import product


@pytest.mark.parametrize(
    ("rows", "matrix"),
    [
        ((5000, 257), (257, 26)),
        ((94, 128), (128, 512)),
        ((48_000, 2), (2,)),
        ((3, 4), (4, 5)),
        ((0, 4), (4, 5)),
    ],
)
def test_parts_are_small_and_together_the_product(rows: tuple[int, int], matrix: tuple[int, ...]):
    class Watched(np.ndarray):
        def __matmul__(self, other):
            work.append(self.size * (other.size // len(other)))
            return np.asarray(self) @ other

    work: list[int] = []
    rng = np.random.default_rng(2)
    one, other = rng.standard_normal(rows), rng.standard_normal(matrix)
    np.testing.assert_allclose(product(one.view(Watched), other), one @ other, rtol=1e-9, atol=1e-9)
    assert max(work) < (products._OF_VECTORS if other.ndim == 1 else products._OF_MATRICES)
