"""A call as programs for calls show it: one large picture, and a strip of small ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Make

from emoview import analyze
from emoview.timeline.results import Analysis

STRIP = (100, 420, 740)
"""Left edges of the small pictures, 210 pixels wide; their faces, a third as wide, are 70."""


@pytest.fixture(scope="module")
def call(made: Make) -> Path:
    """A call of 1280x720; in the sample, the face is a third of the width."""
    small = "".join(
        f";[s{i}]scale=210:210[t{i}];[v{i}][t{i}]overlay={x}:4[v{i + 1}]" for i, x in enumerate(STRIP)
    )
    graph = (
        "split=4[m][s0][s1][s2];color=0x202020:s=1280x720:r=25[c];[m]scale=490:490[l];"
        f"[c][l]overlay=400:226:shortest=1[v0]{small}"
    )
    return made(
        "call.mp4", "-filter_complex", f"[0:v]{graph}", "-map", f"[v{len(STRIP)}]", "-map", "0:a", seconds=2.0
    )


def widths_of(result: Analysis) -> dict[int, float]:
    """Give the width of each face, by its track."""
    rows: dict[int, list[float]] = {}
    for row in result.timeline:
        if row.face_id is not None and row.box is not None:
            rows.setdefault(row.face_id, []).append(row.box.width)
    return {i: float(np.median(widths)) for i, widths in rows.items() if len(widths) > 25}


def test_everybody_is_there_where_all_are_asked_for(call: Path):
    widths = sorted(widths_of(analyze(call, face="all")).values())
    assert len(widths) == 4
    assert all(55 < width < 85 for width in widths[:3])
    assert 140 < widths[3] < 190


def test_the_largest_is_taken_and_the_others_are_named(call: Path):
    result = analyze(call)
    (width,) = widths_of(result).values()
    assert 140 < width < 190
    assert any("4 faces were found; the largest" in warning for warning in result.warnings)
