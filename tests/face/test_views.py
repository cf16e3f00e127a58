"""Views of a face."""

from __future__ import annotations

import numpy as np

from emoview.face.views import seen
from emoview.pipeline.inference import (
    STILL_VIEWS,
    VIEWS,
)


def test_views_turn_and_mirror_a_face():
    face = np.zeros((96, 96), np.uint8)
    face[20:28, 68:76] = 255
    for view in STILL_VIEWS:
        shown = seen(face, view)
        assert shown.shape == (view.side, view.side, 1)
        place = np.argwhere(shown[..., 0] > 0.5).mean(axis=0)
        right, up = (-0.25 if view.mirrored else 0.25), 0.25
        radians = np.radians(view.angle)
        turned = (
            right * np.cos(radians) - up * np.sin(radians),
            right * np.sin(radians) + up * np.cos(radians),
        )
        middle = (view.side - 1) / 2
        expected = [middle - view.side * turned[1], middle + view.side * turned[0]]
        np.testing.assert_allclose(place, expected, atol=0.7)
    for views in (VIEWS, STILL_VIEWS):
        assert len(set(views)) == len(views)
        assert sum(view.angle for view in views) == 0
        assert sum(view.mirrored for view in views) == len(views) / 2
