"""What was measured on labels as a figure for print: confusion, calibration and ROC of each network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from emoview.metrics.figures import GainFigures, LabelFigures, MeanFigures, TickFigures
from emoview.output.plot import WIDTH, drawn
from emoview.timeline.labels import COLOURS, CONTEMPT

_HEIGHT: Final = 2.6
"""Inches a network."""
_INK: Final = "#0072B2"
_CONTEMPT: Final = "#000000"
"""The colour of the palette that no label of a timeline has."""
_DARK: Final = 55
"""Percent from which white numbers read better on the map of colours."""


def plot_figures(
    measured: Mapping[str, LabelFigures | GainFigures | MeanFigures | TickFigures], path: Path
) -> bytes:
    """Draw confusion, calibration and ROC of each network as the PNG, SVG or PDF that is to be at `path`.

    Gains and means have none, and are left out.

    Raises:
        OutputError: The suffix is no such picture's.
    """
    of_labels = {name: one for name, one in measured.items() if isinstance(one, LabelFigures)}
    return drawn(lambda: _figure(of_labels), path)


def _figure(measured: Mapping[str, LabelFigures]) -> Any:
    # The object, not pyplot: no screen, no state that outlives the file.
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(WIDTH, _HEIGHT * len(measured)), layout="constrained")
    rows = figure.subplots(len(measured), 3, squeeze=False, width_ratios=(1.25, 1, 1))
    for (left, middle, right), (name, one) in zip(rows, measured.items(), strict=True):
        _draw_confusion(left, one)
        _draw_calibration(middle, one)
        _draw_roc(right, one)
        left.set_title(name, loc="left", fontsize=9, fontweight="bold")
    return figure


def _draw_confusion(axis: Any, one: LabelFigures) -> None:
    """Colour each cell by its share of the row, so that rare labels can be seen; write the counts."""
    counts = np.array(one.confusion)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    for (true, said), count in np.ndenumerate(counts):
        colour = "white" if shares[true, said] > _DARK else "black"
        axis.text(said, true, str(count), ha="center", va="center", fontsize=4.8, color=colour)
    axis.set_xticks(range(len(one.labels)), one.labels, rotation=40, ha="right", fontsize=6)
    axis.set_yticks(range(len(one.labels)), one.labels, fontsize=6)
    axis.tick_params(length=0)
    axis.set_xlabel("said", fontsize=7)
    axis.set_ylabel("true", fontsize=7)


def _draw_calibration(axis: Any, one: LabelFigures) -> None:
    """Lay how often a network was right over how sure it was; points grow with their examples."""
    confidence = [part.confidence for part in one.calibration]
    accuracy = [part.accuracy for part in one.calibration]
    shares = np.array([part.examples for part in one.calibration]) / one.examples
    _draw_square(axis)
    axis.plot(confidence, accuracy, color=_INK, linewidth=1)
    axis.scatter(confidence, accuracy, s=8 + 250 * shares, color=_INK, alpha=0.75, linewidths=0)
    axis.set_xlabel("confidence", fontsize=7)
    axis.set_ylabel("share that is right", fontsize=7)
    error = one.calibration_error
    axis.set_title(
        f"calibration error {error.value:.3f},\nof it by chance {one.calibration_floor:.3f}", fontsize=7
    )


def _draw_roc(axis: Any, one: LabelFigures) -> None:
    """Draw the ROC curve of each label against the others; a cross marks where the network decides."""
    _draw_square(axis)
    for name, label in one.classes.items():
        if label.area is None:
            continue
        x, y = zip(*label.roc, strict=True)
        # Labels of speech and of runs of one's own have no colour here.
        colour = _CONTEMPT if name == CONTEMPT else COLOURS.get(name)
        (line,) = axis.plot(
            x, y, linewidth=1.1, color=colour, label=f"{name} {label.area.value:.2f}", clip_on=False
        )
        axis.plot(
            1 - label.specificity.value / 100, label.recall.value / 100, "x", color=line.get_color(),
            markersize=4, clip_on=False,
        )  # fmt: skip
    axis.set_xlabel("1 - specificity", fontsize=7)
    axis.set_ylabel("sensitivity (recall)", fontsize=7)
    axis.set_title("ROC and area,\none label against the others", fontsize=7)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=5.5, frameon=False, loc="lower right", handlelength=1.0, labelspacing=0.15)


def _draw_square(axis: Any) -> None:
    """Prepare shares over shares, with the diagonal."""
    axis.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle="--")
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)
    axis.set_aspect("equal")
    axis.tick_params(length=2.5, width=0.6, labelsize=6)
    axis.spines[["top", "right"]].set_visible(False)
