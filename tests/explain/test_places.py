"""Where an explanation lies in the picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from emoview.explain.seen import Seen
from emoview.face.align import CROP_SIZE, align
from emoview.face.find import FaceFinder
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.pipeline.evidence import Found
from emoview.timeline.results import FaceBox


def test_an_explanation_lies_where_a_widened_face_was_cut_out(sample: Path):
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        picture = cv2.resize(next(iter(decoder))[1], (360, 480), interpolation=cv2.INTER_AREA)
    with FaceFinder(max_faces=1) as finder:
        (points,) = finder.find(picture)
    face = align(picture, points, widen=(4 / 3, 1.0))
    seen = Seen()
    seen.add_faces(
        [Found(0, 0, FaceBox(0, 0, 1, 1), points, face, 1.0, (4 / 3, 1.0))], np.zeros((1, 256), np.float32)
    )
    aligned = np.array([[0, 0], [CROP_SIZE, 0], [0, CROP_SIZE]], np.float32)
    back = cv2.getAffineTransform(seen.faces[0, 0].corners, aligned)
    there = cv2.warpAffine(picture, back, (CROP_SIZE, CROP_SIZE))
    assert np.corrcoef(there[face > 0], face[face > 0])[0, 1] > 0.98
