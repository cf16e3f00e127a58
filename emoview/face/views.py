"""Ways to see an aligned face that leave what it shows as it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class View(NamedTuple):
    """One way to see a face.

    Attributes:
        angle: By how many degrees it is turned, counter-clockwise.
        mirrored: Whether it is mirrored before.
        side: Of the picture, in pixels.
    """

    angle: float
    mirrored: bool
    side: int


def seen(face: NDArray[np.uint8], view: View) -> NDArray[np.float32]:
    """Show an aligned face in a view, black where there was nothing.

    Args:
        face: `(side, side)` grey or `(side, side, 3)` RGB, of any side.
        view: The way.

    Returns:
        `(view.side, view.side, 1)` in [0, 1].
    """
    # Whoever hears alone imports this module, too, and is not to wait for OpenCV.
    from emoview.face.align import network_input

    picture = network_input(face, view.side)
    if view.mirrored:
        picture = picture[:, ::-1]
    if not view.angle:
        return picture
    import cv2

    middle = (view.side - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), view.angle, 1.0)
    turned = cv2.warpAffine(np.ascontiguousarray(picture[..., 0]), matrix, (view.side, view.side))
    return np.asarray(turned[..., None], np.float32)
