"""Pictures of a training: curves, and runs beside each other."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emoview.common.files import write_whole
from emoview.output.plot import form_of
from emoview.training.plan import VALIDATION

_KINDS = {"": "-", VALIDATION: "--"}
# Okabe & Ito's palette without its yellow, which is hard to see as a line, and a grey.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#999999")


def plot_curves(history: Sequence[dict[str, Any]], file: Path) -> None:
    """Draw loss and figures of training and validation over the epochs."""
    figure, axes = _figure(2)
    epochs = [row["epoch"] for row in history]
    apart = ("epoch", "rate", "steps", "seconds", "waiting", "size")
    for name in history[0]:
        if name not in apart:
            axis = axes[0] if name.endswith("loss") else axes[1]
            said = name.replace("_", " ") if name.startswith("validation") else f"training {name}"
            axis.plot(epochs, [row[name] for row in history], label=said)
    unit = "CCC" if any(name.endswith("CCC") for name in history[0]) else "%"
    for axis, what in zip(axes, ("loss", unit), strict=True):
        axis.set_xlabel("epoch")
        axis.set_ylabel(what)
        axis.grid(alpha=0.3)
        axis.legend()
    _save(figure, file)


def plot_training(curves: Mapping[str, Sequence[Mapping[str, float]]], file: Path) -> None:
    """Draw loss and figures of several networks over the epochs, training solid and validation dashed.

    Args:
        curves: Rows of a history, by what stands in the legend.
        file: PNG.
    """
    panels = [("loss", ("loss",)), ("accuracy, %", ("accuracy",)), ("CCC", ("valence CCC", "arousal CCC"))]
    there = {name for rows in curves.values() for row in rows for name in row}
    panels = [panel for panel in panels if there & {kind + name for name in panel[1] for kind in _KINDS}]
    figure, axes = _figure(len(panels))
    for number, (network, rows) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        for axis, (_, names) in zip(axes, panels, strict=True):
            for kind, line in _KINDS.items():
                for name, width in zip(names, (1.4, 0.8), strict=False):
                    points = [(row["epoch"], row[kind + name]) for row in rows if kind + name in row]
                    if points:
                        axis.plot(*zip(*points, strict=True), line, color=colour, linewidth=width,
                                  marker="." if len(points) == 1 else None)  # fmt: skip
        axes[0].plot([], [], color=colour, label=network)
    for axis, (what, names) in zip(axes, panels, strict=True):
        axis.set_xlabel("epoch")
        axis.set_ylabel(what if len(names) == 1 else f"{what}: valence thick, arousal thin")
        axis.grid(alpha=0.3)
    for kind, line in _KINDS.items():
        axes[0].plot([], [], line, color="black", label=kind.strip("_") or "training")
    figure.legend(loc="outside lower center", ncols=2 * len(panels), fontsize=8, frameon=False)
    _save(figure, file)


def plot_comparison(points: Sequence[tuple[str, float, float]], file: Path) -> None:
    """Draw `(name, operations, accuracy in percent)` of several networks."""
    figure, (axis,) = _figure(1)
    for name, operations, value in points:
        axis.scatter(operations, value, color="#0072B2")
        axis.annotate(name, (operations, value), textcoords="offset points", xytext=(5, 3), fontsize=8)
    axis.set_xscale("log")
    # Names stand to the right of their points.
    axis.margins(x=0.25)
    axis.set_xlabel("floating-point operations for one input")
    axis.set_ylabel("accuracy, %")
    axis.grid(alpha=0.3)
    _save(figure, file)


def _save(figure: Any, file: Path) -> None:
    content = io.BytesIO()
    figure.savefig(content, dpi=120, format=form_of(file)[1:])
    write_whole(file, content.getvalue())


def _figure(columns: int) -> tuple[Any, Any]:
    # The object, not pyplot: no screen, no state that outlives the file.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * columns, 4.5), layout="constrained")
    return figure, [figure.add_subplot(1, columns, i + 1) for i in range(columns)]
