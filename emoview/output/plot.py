"""The timeline as a figure for print: probabilities, labels, valence and arousal over time."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.common.text import name_of
from emoview.errors import OutputError
from emoview.timeline.labels import COLOURS
from emoview.timeline.results import Analysis, Row, Segment, main_rows
from emoview.timeline.segments import segments_of

SUFFIXES: Final = (".png", ".svg", ".pdf")

WIDTH: Final = 7.2
"""Inches: the text width of most journals."""
# More points than a figure has pixels only make a vector file slow.
_MOST_POINTS: Final = 2000
# A segment of a smaller share of the axis has no room for its name.
_SHARE_OF_A_NAME: Final = 0.08
_RIGHT: Final = {
    "loc": "center left", "bbox_to_anchor": (1.01, 0.5), "frameon": False, "fontsize": 7,
    "handlelength": 1.2, "labelspacing": 0.25, "borderaxespad": 0.0,
}  # fmt: skip
# One solid and one dashed, so that they differ without colour, too.
_AFFECT: Final = (("valence", "#000000", "-"), ("arousal", "#D55E00", "--"))

Panel = tuple[str, float]
"""What is drawn: a modality, `labels` or `affect`; and its height in inches."""


def plot_file(analyses: Sequence[Analysis], path: Path, *, compare: bool = False) -> bytes:
    """Draw results as the PNG, SVG or PDF that is to be at `path`.

    Args:
        analyses: Laid above each other on one time axis.  With several faces, the one that has most rows
            is drawn.
        path: Its suffix chooses the form.
        compare: Leave the single modalities out, so that several results fit on a page.

    Raises:
        OutputError: The suffix is none of `SUFFIXES`.
    """
    return drawn(lambda: _figure(analyses, compare=compare), path)


def form_of(path: Path) -> str:
    """Give the suffix, one of `SUFFIXES`, of a picture that is to be drawn.

    Raises:
        OutputError: It is none of them.
    """
    form = path.suffix.lower()
    if form not in SUFFIXES:
        raise OutputError(f"{path} is no picture that can be drawn: end its name in {', '.join(SUFFIXES)}")
    return form


def drawn(make: Callable[[], Any], path: Path) -> bytes:
    """Turn the matplotlib figure that `make` gives into the PNG, SVG or PDF that is to be at `path`.

    Raises:
        OutputError: The suffix is none of `SUFFIXES`.
    """
    form = form_of(path)
    import matplotlib

    file = io.BytesIO()
    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}[form]
    # Without a salt of its own and a date, the same result gives the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "emoview", "font.size": 8, "axes.linewidth": 0.6}):
        make().savefig(file, format=form[1:], dpi=300, metadata=dated)
    return file.getvalue()


def _figure(analyses: Sequence[Analysis], *, compare: bool) -> Any:
    # The object, not pyplot: no screen, no state that outlives the file.
    from matplotlib.figure import Figure

    panels = [(analysis, panel) for analysis in analyses for panel in _panels(analysis, compare=compare)]
    heights = [height for _, (_, height) in panels]
    size = (WIDTH, 0.5 + 0.25 * len(analyses) + sum(heights) + 0.08 * len(heights))
    figure: Any = Figure(figsize=size, layout="constrained")
    figure.get_layout_engine().set(h_pad=0.03, hspace=0)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    axes[0].set_xlim(0, max(analysis.media.duration_s for analysis in analyses))
    titled: set[int] = set()
    for axis, (analysis, (what, _)) in zip(axes, panels, strict=True):
        _draw(axis, analysis, what)
        if id(analysis) not in titled:
            titled.add(id(analysis))
            name = name_of(Path(analysis.media.path).name)
            axis.set_title(name, loc="left", fontsize=9, fontweight="bold", parse_math=False)
    axes[-1].set_xlabel("time, s")
    _add_key(axes[0], list(dict.fromkeys(label for one in analyses for label in one.naming.labels)))
    figure.align_ylabels()
    return figure


def _panels(analysis: Analysis, *, compare: bool) -> list[Panel]:
    if compare:
        return [("fused", 0.95), ("fused labels", 0.22), ("affect", 0.7)]
    present = _present(analysis)
    return [
        *((name, 0.95) for name in present),
        ("labels", 0.1 + 0.16 * max(1, len(present))),
        ("affect", 0.95),
    ]


def _present(analysis: Analysis) -> list[str]:
    rows = main_rows(analysis)
    return [name for name in ("face", "voice", "fused") if any(getattr(row, name) for row in rows)]


def _draw(axis: Any, analysis: Analysis, what: str) -> None:
    axis.tick_params(length=2.5, width=0.6, labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)
    if what == "affect":
        _draw_affect(axis, analysis)
    elif what.endswith("labels"):
        _draw_labels(axis, analysis, ["fused"] if what.startswith("fused") else _present(analysis))
    else:
        _draw_probabilities(axis, analysis, what)


def _draw_probabilities(axis: Any, analysis: Analysis, modality: str) -> None:
    naming = analysis.naming
    none = (np.nan,) * len(naming.groups)
    found = (getattr(row, modality) for row in main_rows(analysis))
    values = _over_time(analysis, [naming.sums(one) if one else none for one in found])
    upper = np.cumsum(values, axis=1)
    edges = _edges(analysis, len(values))
    for i, label in enumerate(naming.groups):
        lower = upper[:, i - 1] if i else np.where(np.isnan(upper[:, 0]), np.nan, 0)
        axis.stairs(upper[:, i], edges, baseline=lower, fill=True, color=COLOURS[label], linewidth=0)
    axis.set_ylim(0, 1)
    axis.set_yticks([0, 0.5, 1], ["0", "", "1"])
    axis.set_ylabel(f"{modality}\nprobability")


def _draw_labels(axis: Any, analysis: Analysis, modalities: Sequence[str]) -> None:
    rows = main_rows(analysis)
    for place, modality in enumerate(modalities):
        for segment in segments_of(rows, modality, shortest_s=analysis.options.min_segment):
            _draw_segment(axis, segment, place)
    axis.set_ylim(max(1, len(modalities)), 0)
    axis.set_yticks([place + 0.5 for place in range(len(modalities))], modalities)
    axis.tick_params(length=0)
    axis.spines[["left", "bottom"]].set_visible(False)


def _draw_segment(axis: Any, segment: Segment, place: int) -> None:
    length = segment.end_s - segment.start_s
    colour = COLOURS[segment.label]
    axis.broken_barh(
        [(segment.start_s, length)], (place + 0.06, 0.88), facecolors=colour, edgecolor="white", linewidth=0.4
    )
    if length > _SHARE_OF_A_NAME * axis.get_xlim()[1]:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        dark = 0.3 * red + 0.59 * green + 0.11 * blue < 120
        axis.text(
            segment.start_s + length / 2, place + 0.53, segment.label, ha="center",
            va="center", fontsize=6.5, color="white" if dark else "black",
        )  # fmt: skip


def _draw_affect(axis: Any, analysis: Analysis) -> None:
    values = _over_time(analysis, [_affect(row) for row in main_rows(analysis)])
    edges = _edges(analysis, len(values))
    middles = (edges[:-1] + edges[1:]) / 2
    axis.axhline(0, color="#BBBBBB", linewidth=0.6)
    for i, (name, colour, style) in enumerate(_AFFECT):
        axis.plot(middles, values[:, i], color=colour, linestyle=style, linewidth=1, label=name)
    axis.set_ylim(-1, 1)
    axis.set_yticks([-1, 0, 1])
    axis.set_ylabel("valence,\narousal" + ("\n(estimated)" if analysis.affect == "estimated" else ""))
    axis.legend(**_RIGHT)


def _affect(row: Row) -> tuple[float, float]:
    if row.valence is None or row.arousal is None:
        return np.nan, np.nan
    return row.valence, row.arousal


def _add_key(axis: Any, labels: Sequence[str]) -> None:
    """Name the colours beside the first panel, in the order in which they are stacked."""
    from matplotlib.patches import Patch

    patches = [Patch(color=COLOURS[label], label=label) for label in reversed(labels)]
    axis.legend(handles=patches, **_RIGHT)


def _over_time(analysis: Analysis, values: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Put the values of the main rows in their ticks, averaged over neighbours in a long video.

    Returns:
        `(points, n)`; NaN where nothing is said.
    """
    ticks = np.array([row.tick for row in main_rows(analysis)])
    found = np.asarray(values, np.float64)
    points = min(analysis.media.ticks, _MOST_POINTS)
    said = ~np.isnan(found[:, 0])
    place = ticks[said] * points // analysis.media.ticks
    sums = np.zeros((points, found.shape[1]))
    np.add.at(sums, place, found[said])
    counts = np.bincount(place, minlength=points)[:, None]
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _edges(analysis: Analysis, points: int) -> NDArray[np.float64]:
    return np.linspace(0, analysis.media.duration_s, points + 1)
