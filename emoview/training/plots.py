"""Pictures of a training: curves, and runs beside each other."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emoview.common.files import write_whole


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
    for axis, what in zip(axes, ("loss", "%"), strict=True):
        axis.set_xlabel("epoch")
        axis.set_ylabel(what)
        axis.grid(alpha=0.3)
        axis.legend()
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
    figure.savefig(content, dpi=120, format=file.suffix[1:] or "png")
    write_whole(file, content.getvalue())


def _figure(columns: int) -> tuple[Any, Any]:
    # The object, not pyplot: no screen, no state that outlives the file.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * columns, 4.5), layout="constrained")
    return figure, [figure.add_subplot(1, columns, i + 1) for i in range(columns)]
