"""Data sets as figures for print: how often each label occurs, and where valence and arousal lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from emoview.datasets.overview import Holding
from emoview.output.plot import WIDTH, drawn

_HEIGHT: Final = 2.9
"""Inches of each kind."""
_PARTS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#999999")
_STEPS: Final = 21


def plot_holdings(holdings: Sequence[Holding], path: Path) -> bytes:
    """Draw what a data set holds as the PNG, SVG or PDF that is to be at `path`.

    Examples of each label, the parts on top of each other; of valence and arousal a histogram each, and
    the plane.

    Raises:
        OutputError: The suffix is no such picture's.
    """
    return drawn(lambda: _figure(holdings), path)


def _figure(holdings: Sequence[Holding]) -> Any:
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(WIDTH, _HEIGHT * len(holdings)), layout="constrained")
    rows = figure.subfigures(len(holdings), 1, squeeze=False)[:, 0]
    for place, holding in zip(rows, holdings, strict=True):
        (_draw_counts if holding.values is None else _draw_values)(place, holding)
    return figure


def _draw_counts(place: Any, holding: Holding) -> None:
    axis = place.subplots()
    total = holding.total
    below = np.zeros(len(total))
    for number, (part, counts) in enumerate(holding.counts.items()):
        heights = np.array([counts.get(label, 0) for label in total])
        axis.bar(list(total), heights, 0.7, below, color=_PARTS[number % len(_PARTS)], label=part)
        below += heights
    for position, count in enumerate(total.values()):
        axis.text(position, count, f"{count:,}", ha="center", va="bottom", fontsize=7)
    axis.margins(y=0.12)
    axis.set_ylabel(f"examples ({holding.kind})")
    axis.tick_params(axis="x", length=0, labelsize=8)
    axis.tick_params(axis="y", length=2.5, width=0.6, labelsize=7)
    if len(total) > 8:
        axis.tick_params(axis="x", rotation=40)
    axis.spines[["top", "right"]].set_visible(False)
    if len(holding.counts) > 1:
        axis.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _draw_values(place: Any, holding: Holding) -> None:
    from matplotlib.colors import LogNorm

    assert holding.values is not None
    valence, arousal = holding.values.T
    edges = np.linspace(-1, 1, _STEPS + 1)
    one, other, plane = place.subplots(1, 3)
    for axis, values, name in ((one, valence, "valence"), (other, arousal, "arousal")):
        axis.hist(values, edges, color=_PARTS[0])
        axis.set_xlabel(name)
        axis.spines[["top", "right"]].set_visible(False)
    one.set_ylabel("frames")
    counts = np.histogram2d(valence, arousal, _STEPS, [[-1, 1], [-1, 1]])[0].T
    shown = np.where(counts, counts, np.nan)
    image = plane.pcolormesh(edges, edges, shown, cmap="viridis_r", norm=LogNorm(1, max(2, counts.max())))
    for line in (plane.axhline, plane.axvline):
        line(0, color="#999999", linewidth=0.6)
    plane.set_aspect("equal")
    plane.set_xlabel("valence")
    plane.set_ylabel("arousal", labelpad=0)
    place.colorbar(image, ax=plane, label="frames", shrink=0.8)
    for axis in (one, other, plane):
        axis.tick_params(length=2.5, width=0.6, labelsize=7)
