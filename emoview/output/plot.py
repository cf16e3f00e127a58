"""The timeline as a figure for print: probabilities, labels, valence and arousal over time."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.common.text import name_of
from emoview.errors import InputError, OutputError
from emoview.output.fonts import families
from emoview.timeline.clock import TICK_HZ, tick_at
from emoview.timeline.labels import COLOURS
from emoview.timeline.results import Analysis, Row, Segment
from emoview.timeline.segments import segments_of
from emoview.timeline.shares import is_long, one_of_several, overall_rows, sentence_of, shares_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES: Final = (".png", ".svg", ".pdf")

WIDTH: Final = 7.2
"""Inches: the text width of most journals."""
# More points than a figure has pixels only make a vector file slow.
_MOST_POINTS: Final = 1000
_COLUMNS_OF_LABELS: Final = 600
# Up to here means say what ticks do.
_AS_GOOD_AS_A_TICK_S: Final = 0.1
# From so many seconds on, means over so many seconds are drawn: ten minutes in 5 s, an hour in 30 s.
_WINDOWS: Final = ((4 * 3600, 120.0), (1800, 30.0), (300, 5.0), (60, 1.0), (-1, 0.0))
# Hundredths of a point are enough for print, and the rest is half of a vector file.
_SHAPE: Final = re.compile(rb' d="[^"]*"')
_DIGITS: Final = re.compile(rb"(\.\d\d)\d+")
# A segment of a smaller share of the axis has no room for its name.
_SHARE_OF_A_NAME: Final = 0.08
_RIGHT: Final = {
    "loc": "center left", "bbox_to_anchor": (1.01, 0.5), "frameon": False, "fontsize": 7,
    "handlelength": 1.2, "labelspacing": 0.25, "borderaxespad": 0.0,
}  # fmt: skip
# One solid and one dashed, so that they differ without colour, too.
_AFFECT: Final = (("valence", "#000000", "-"), ("arousal", "#D55E00", "--"))

# A name may hold dollars.
_STYLE: Final = {"font.size": 8, "axes.linewidth": 0.6, "text.parse_math": False}
# Of a page of a notebook the figure fills the width.
_DPI_OF_A_NOTEBOOK: Final = 130

Panel = tuple[str, float]
"""What is drawn: a modality, `labels` or `affect`; and its height in inches."""


@dataclass(frozen=True)
class View:
    """What of the results is drawn, and how.

    Attributes:
        from_s: Where the time axis starts, in seconds of the timeline.
        to_s: Where it ends; None for the end of the longest result.
        width: Of the figure, in inches.
        smooth_s: Means over so many seconds are drawn; None for what suits the length, 0 for every tick.
            Where a figure has no room for so many points, they are over more, and the figure says so.
        rows: So many stretches of equal length below each other.
        compare: Leave the single modalities out, so that several results fit on a page.
    """

    from_s: float = 0.0
    to_s: float | None = None
    width: float = WIDTH
    smooth_s: float | None = None
    rows: int = 1
    compare: bool = False

    def stretches(self, analyses: Sequence[Analysis]) -> list[tuple[float, float]]:
        """Give the ends of each row's time axis, in seconds.

        Raises:
            InputError: There is nothing between the ends.
        """
        longest = max(analysis.media.duration_s for analysis in analyses)
        end = longest if self.to_s is None else min(self.to_s, longest)
        if not 0 <= self.from_s < end:
            raise InputError(
                f"nothing lies between {self.from_s:g} and {end:g} s: the result has {longest:g} s"
            )
        edges = [self.from_s + (end - self.from_s) * i / self.rows for i in range(self.rows + 1)]
        return list(pairwise(edges))


def plot_file(analyses: Sequence[Analysis], path: Path, view: View | None = None) -> bytes:
    """Draw results as the PNG, SVG or PDF that is to be at `path`.

    Args:
        analyses: Laid above each other on one time axis.  With several faces, the one that the overall
            result is about is drawn, and of the others the labels.
        path: Its suffix chooses the form.
        view: What of them; by default all.

    Raises:
        InputError: There is nothing in the view.
        OutputError: The suffix is none of `SUFFIXES`.
    """
    chosen = view or View()
    chosen.stretches(analyses)
    return drawn(lambda: _figure(analyses, chosen), path)


def figure_of(analysis: Analysis) -> Figure:
    """Draw a result as a figure of matplotlib, which a notebook shows and which pyplot knows nothing of."""
    import matplotlib

    with matplotlib.rc_context({**_STYLE, "font.family": families()}):
        figure: Figure = _figure([analysis], View())
    figure.set_dpi(_DPI_OF_A_NOTEBOOK)

    def shown() -> bytes:
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=figure.dpi)
        return file.getvalue()

    # IPython has a way of its own for figures only once pyplot is imported.
    vars(figure)["_repr_png_"] = shown
    return figure


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
    style = {"svg.hashsalt": "emoview", **_STYLE, "font.family": families()}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        # The names are in the tables, too, and a study says which letters are boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        make().savefig(file, format=form[1:], dpi=300, metadata=dated)
    content = file.getvalue()
    return _SHAPE.sub(lambda shape: _DIGITS.sub(rb"\1", shape[0]), content) if form == ".svg" else content


def _figure(analyses: Sequence[Analysis], view: View) -> Any:
    # The object, not pyplot: no screen, no state that outlives the file.
    from matplotlib.figure import Figure

    stretches = view.stretches(analyses)
    panels = [
        (_Part(analysis, *stretch, _window(view, *stretch)), panel)
        for stretch in stretches
        for analysis in analyses
        for panel in _panels(analysis, compare=view.compare or view.rows > 1)
    ]
    heights = [height for _, (_, height) in panels]
    extra = 0.25 * len(analyses) + 0.35 * (len(stretches) - 1)
    size = (view.width, 0.5 + extra + sum(heights) + 0.08 * len(heights))
    figure: Any = Figure(figsize=size, layout="constrained")
    figure.get_layout_engine().set(h_pad=0.03, hspace=0)
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    titled: set[int] = set()
    for number, (axis, (part, (what, _))) in enumerate(zip(axes, panels, strict=True)):
        axis.set_xlim(part.from_s, part.to_s)
        _draw(axis, part, what)
        for cut in part.analysis.cuts:
            if part.from_s < cut < part.to_s:
                axis.axvline(cut, color="#777777", linewidth=0.4, linestyle=":")
        if number + 1 < len(panels) and panels[number + 1][0].from_s == part.from_s:
            axis.tick_params(labelbottom=False)
        if id(part.analysis) not in titled:
            titled.add(id(part.analysis))
            axis.set_title(_title(part.analysis), loc="left", fontsize=9, fontweight="bold")
    axes[-1].set_xlabel("time, s")
    _add_key(axes[0], list(dict.fromkeys(label for one in analyses for label in one.naming.labels)))
    figure.align_ylabels()
    return figure


@dataclass(frozen=True)
class _Part:
    """A stretch of a result, and over how many seconds means are drawn."""

    analysis: Analysis
    from_s: float
    to_s: float
    smooth_s: float


def _window(view: View, from_s: float, to_s: float) -> float:
    """Give over how many seconds means are drawn: what is asked for, as far as there are points for it."""
    if view.smooth_s is None:
        return next(window for least, window in _WINDOWS if to_s - from_s > least)
    point_s = (to_s - from_s) / _MOST_POINTS
    return view.smooth_s if point_s <= max(view.smooth_s, _AS_GOOD_AS_A_TICK_S) else round(point_s, 2)


def _title(analysis: Analysis) -> str:
    name = name_of(Path(analysis.media.path).name)
    if (several := one_of_several(analysis)) is not None:
        name += f", {name_of(analysis.who(several[0]))} of {1 + len(several[1])} people"
    return f"{name}: {sentence_of(shares_of(analysis))}" if is_long(analysis) else name


def _others(analysis: Analysis) -> list[int]:
    """Name up to eight people beside the one that is drawn, those who are seen most first."""
    several = one_of_several(analysis)
    return [] if several is None else several[1][:8]


def _panels(analysis: Analysis, *, compare: bool) -> list[Panel]:
    if compare:
        return [("fused", 0.95), ("fused labels", 0.22), ("affect", 0.7)]
    present = _present(analysis)
    return [
        *((name, 0.95) for name in present),
        ("labels", 0.1 + 0.16 * max(1, len(present) + len(_others(analysis)))),
        ("affect", 0.95),
    ]


def _present(analysis: Analysis) -> list[str]:
    rows = overall_rows(analysis)
    return [name for name in ("face", "voice", "fused") if any(getattr(row, name) for row in rows)]


def _draw(axis: Any, part: _Part, what: str) -> None:
    axis.tick_params(length=2.5, width=0.6, labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)
    if what == "affect":
        _draw_affect(axis, part)
    elif what.endswith("labels"):
        _draw_labels(axis, part, alone=what.startswith("fused"))
    else:
        _draw_probabilities(axis, part, what)


def _draw_probabilities(axis: Any, part: _Part, modality: str) -> None:
    naming = part.analysis.naming
    none = (np.nan,) * len(naming.groups)
    found = (getattr(row, modality) for row in overall_rows(part.analysis))
    values, _, edges = _over_time(part, [naming.sums(one) if one else none for one in found])
    upper = np.cumsum(values, axis=1)
    for i, label in enumerate(naming.groups):
        lower = upper[:, i - 1] if i else np.where(np.isnan(upper[:, 0]), np.nan, 0)
        axis.stairs(upper[:, i], edges, baseline=lower, fill=True, color=COLOURS[label], linewidth=0)
    axis.set_ylim(0, 1)
    axis.set_yticks([0, 0.5, 1], ["0", "", "1"])
    name = "together" if modality == "fused" else modality
    axis.set_ylabel(f"{name}\nprobability")


def _draw_labels(axis: Any, part: _Part, *, alone: bool) -> None:
    analysis, rows = part.analysis, tuple(overall_rows(part.analysis))
    modalities = ["fused"] if alone else _present(analysis)
    bands = [("together" if one == "fused" else one, rows, one) for one in modalities]
    for person in () if alone else _others(analysis):
        own = tuple(row for row in analysis.timeline if row.person == person)
        bands.append((name_of(analysis.who(person)), own, "fused"))
    shortest_s = analysis.options.min_segment
    for place, (_, of, modality) in enumerate(bands):
        _draw_segments(axis, part, segments_of(of, modality, shortest_s=shortest_s), place)
    axis.set_ylim(max(1, len(bands)), 0)
    axis.set_yticks([place + 0.5 for place in range(len(bands))], [name for name, *_ in bands])
    axis.tick_params(length=0)
    axis.spines[["left", "bottom"]].set_visible(False)


def _draw_segments(axis: Any, part: _Part, segments: Sequence[Segment], place: int) -> None:
    """Draw segments to the pixel: of several in one, the label that lasts longest there."""
    columns = _COLUMNS_OF_LABELS
    whole = part.to_s - part.from_s
    lasts: list[dict[str, float]] = [{} for _ in range(columns)]
    for segment in segments:
        start, end = (
            (min(max(edge, part.from_s), part.to_s) - part.from_s) / whole * columns
            for edge in (segment.start_s, segment.end_s)
        )
        for column in range(int(start), min(columns, int(np.ceil(end)))):
            share = min(end, column + 1) - max(start, column)
            lasts[column][segment.label] = lasts[column].get(segment.label, 0.0) + share
    # An empty column is one of which more than half has no label.
    labels = [max(one, key=one.__getitem__) if sum(one.values()) >= 0.5 else None for one in lasts]
    bars: dict[str, list[tuple[float, float]]] = {}
    at = 0
    for label, group in groupby(labels):
        length = len(list(group))
        if label is not None:
            bar = (part.from_s + at * whole / columns, part.from_s + (at + length) * whole / columns)
            bars.setdefault(label, []).append(bar)
            if length > _SHARE_OF_A_NAME * columns:
                _name_bar(axis, label, bar, place)
        at += length
    _draw_bars(axis, bars, place)


def _draw_bars(axis: Any, bars: Mapping[str, Sequence[tuple[float, float]]], place: int) -> None:
    """Draw the bars of each label as one shape: a vector file holds thousands of them."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Shape

    low, high = place + 0.06, place + 0.94
    for label, ends in bars.items():
        corners = [[(a, low), (b, low), (b, high), (a, high), (a, low)] for a, b in ends]
        codes = [Shape.MOVETO, Shape.LINETO, Shape.LINETO, Shape.LINETO, Shape.CLOSEPOLY] * len(ends)
        shape = Shape(np.array(corners).reshape(-1, 2), codes)
        axis.add_patch(PathPatch(shape, facecolor=COLOURS[label], linewidth=0))


def _name_bar(axis: Any, label: str, bar: tuple[float, float], place: int) -> None:
    colour = COLOURS[label]
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    dark = 0.3 * red + 0.59 * green + 0.11 * blue < 120
    axis.text(
        (bar[0] + bar[1]) / 2, place + 0.53, label, ha="center",
        va="center", fontsize=6.5, color="white" if dark else "black",
    )  # fmt: skip


def _draw_affect(axis: Any, part: _Part) -> None:
    values, spread, edges = _over_time(part, [_affect(row) for row in overall_rows(part.analysis)])
    middles = (edges[:-1] + edges[1:]) / 2
    axis.axhline(0, color="#BBBBBB", linewidth=0.6)
    for i, (name, colour, style) in enumerate(_AFFECT):
        if part.smooth_s:
            low, high = values[:, i] - spread[:, i], values[:, i] + spread[:, i]
            axis.fill_between(middles, low, high, color=colour, alpha=0.18, linewidth=0)
        axis.plot(middles, values[:, i], color=colour, linestyle=style, linewidth=1, label=name)
    axis.set_ylim(-1, 1)
    axis.set_yticks([-1, 0, 1])
    estimated = "\n(estimated)" if part.analysis.affect == "estimated" else ""
    smoothed = f"\n{part.smooth_s:g} s, ±SD" if part.smooth_s else ""
    axis.set_ylabel("valence,\narousal" + estimated + smoothed)
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


def _over_time(
    part: _Part, values: Sequence[Sequence[float]]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Average the values of the main rows over neighbours.

    Returns:
        Means `(points, n)`, NaN where less than half of the ticks say something; standard deviations
        likewise; and the edges of the points, `(points + 1,)`, in seconds.
    """
    first, last = tick_at(part.from_s), max(tick_at(part.from_s) + 1, round(part.to_s * TICK_HZ))
    length = last - first
    window = max(1, round(part.smooth_s * TICK_HZ))
    points = max(1, min(-(-length // window), _MOST_POINTS))
    ticks = np.array([row.tick for row in overall_rows(part.analysis)])
    found = np.asarray(values, np.float64)
    said = ~np.isnan(found[:, 0]) & (ticks >= first) & (ticks < last)
    place = (ticks[said] - first) * points // length
    sums, squares = np.zeros((points, found.shape[1])), np.zeros((points, found.shape[1]))
    np.add.at(sums, place, found[said])
    np.add.at(squares, place, found[said] ** 2)
    counts = np.bincount(place, minlength=points)[:, None]
    # Over seconds, a pause is no gap: what is said in a tenth of them stands for all.
    least = 0.5 if part.smooth_s <= 1 else 0.1
    enough = counts * points >= least * length
    means = sums / np.maximum(counts, 1)
    spread = np.sqrt(np.maximum(squares / np.maximum(counts, 1) - means**2, 0))
    edges = np.linspace(part.from_s, part.to_s, points + 1)
    return np.where(enough, means, np.nan), np.where(enough, spread, np.nan), edges
