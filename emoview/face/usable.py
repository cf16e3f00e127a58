"""The rule for usable ticks: how well a face can be read that is small, blurred, dark, turned or hidden.

Each curve is the accuracy of the face network on labelled pictures that were made worse, or lie in a bin, as
a share of that on the others (see the page on measures).  The worst factor decides.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

USABLE: Final = 0.8
"""Quality from which on a tick is usable."""
COVERED_QUALITY: Final = 0.57
"""Quality of a face whose lower part is covered: so many labels stay as they are without the cover."""

_CURVES: Final[dict[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "too small": ((8, 10, 13, 17, 20, 27, 34, 40, 54), (0.27, 0.33, 0.48, 0.61, 0.73, 0.88, 0.95, 0.98, 1)),
    "blurred": ((0.013, 0.018, 0.023, 0.037, 0.052, 0.077), (0.27, 0.46, 0.62, 0.84, 0.96, 1)),
    "too dark": ((0.03, 0.05, 0.1, 0.15, 0.25), (0.27, 0.5, 0.83, 0.97, 1)),
    "too bright": ((0.68, 0.79, 0.87, 0.89, 0.95), (1, 0.93, 0.77, 0.67, 0.5)),
    "without contrast": ((0.025, 0.05, 0.1, 0.15), (0.26, 0.41, 0.64, 1)),
    "turned away": ((20, 30, 40, 55, 70), (1, 0.88, 0.85, 0.65, 0.5)),
    "outside the picture": ((0, 0.2, 0.3, 0.38, 0.45, 0.6), (1, 0.96, 0.9, 0.83, 0.74, 0.5)),
}
COVERED: Final = "covered"
REASONS: Final = (*_CURVES, COVERED)
"""What can make a face unusable, in words."""


def qualities(
    width_px: Floats, sharpness: Floats, brightness: Floats, contrast: Floats,
    yaw: Floats, pitch: Floats, outside: Floats, covered: NDArray[np.bool_],
) -> Floats:  # fmt: skip
    """Give what each of `REASONS` leaves of the accuracy, `(n, reasons)`, from 0 to 1.

    Args:
        width_px: `(n,)`, width of the face in pixels that were seen.
        sharpness: `(n,)`, as in `emoview.face.quality.look_of`, and so are the next two.
        brightness: `(n,)`.
        contrast: `(n,)`.
        yaw: `(n,)`, in degrees.
        pitch: `(n,)`, in degrees.
        outside: `(n,)`, share of the outline that lies outside the picture.
        covered: `(n,)`.
    """
    # A head that is turned up or down by so much hides more than one that is turned to a side.
    turned = np.hypot(yaw, 1.2 * pitch)
    factors = (
        width_px, sharpness, brightness, brightness, contrast / np.maximum(brightness, 1e-3), turned, outside
    )  # fmt: skip
    columns = [np.interp(one, *curve) for one, curve in zip(factors, _CURVES.values(), strict=True)]
    return np.column_stack([*columns, np.where(covered, COVERED_QUALITY, 1.0)])
