"""What each participant shows under each condition: rainclouds, and a grid of shares of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emoview.study.figures import (
    COLOURS,
    Floats,
    labelled,
    legend_below,
    panels_of,
    shortened,
    styled,
    wrapped,
)
from emoview.study.tables import FOLLOWED
from emoview.timeline.labels import COLOURS as LABEL_COLOURS
from emoview.timeline.labels import LABELS, UNCERTAIN

if TYPE_CHECKING:
    import pandas

_FEWEST_FOR_CLOUD: Final = 3
_CHARACTERS: Final = 66
MOST_PEOPLE: Final = 60
"""Most participants in the grid."""


def raincloud_figure(
    clips: pandas.DataFrame, conditions: Sequence[str], columns: Sequence[str] = FOLLOWED
) -> Any:
    """Draw the participants' means: of each condition the density, the quartiles and a dot a participant.

    Args:
        clips: As in `clips_table`.
        conditions: Those to draw.
        columns: What is followed, of whose means are the panels.
    """
    figure, panels = panels_of(columns, share_x=False)
    jitter = np.random.default_rng(0)
    for axis in panels:
        measure = f"{axis.get_title()}_mean"
        for place, (name, colour) in enumerate(zip(conditions, COLOURS, strict=False)):
            part = clips[clips["condition"] == name].groupby("participant")[measure].mean().dropna()
            _cloud(axis, part.to_numpy(float), -place, colour, labelled(name, len(part)), jitter)
        axis.set_yticks([])
        axis.set_ylim(0.4 - len(conditions), 0.6)
        axis.spines["left"].set_visible(False)
    legend_below(figure, panels)
    return figure


def _cloud(
    axis: Any, values: Floats, place: int, colour: str, label: str, jitter: np.random.Generator
) -> None:
    """Draw one condition at a height: its density above, its dots below."""
    below = place - 0.12 - 0.24 * jitter.random(len(values))
    axis.scatter(values, below, s=6, color=colour, alpha=0.7, linewidths=0, label=label)
    if not len(values):
        return
    low, middle, high = np.percentile(values, (25, 50, 75))
    axis.plot([low, high], [place - 0.04] * 2, color=colour, linewidth=2.5, solid_capstyle="butt")
    axis.plot(middle, place - 0.04, "o", color="white", markeredgecolor=colour, markersize=3.5)
    if len(values) >= _FEWEST_FOR_CLOUD and np.ptp(values) > 1e-9:
        from scipy.stats import gaussian_kde

        density = gaussian_kde(values)
        # Not beyond the values: behind a probability of 0 there is nothing.
        at = np.linspace(values.min(), values.max(), 100)
        height = density(at)
        axis.fill_between(
            at, place, place + 0.5 * height / height.max(), color=colour, alpha=0.35, linewidth=0
        )


def grid_figure(ticks: pandas.DataFrame, conditions: Sequence[str]) -> Any:
    """Draw a grid of participants and conditions: in each cell the shares of time of the seven labels.

    Args:
        ticks: As in `ticks_table`.
        conditions: Those to draw.
    """
    from matplotlib.figure import Figure

    people = list(dict.fromkeys(ticks["participant"]))[:MOST_PEOPLE]
    # Groups of labels are decided by sums; here are the seven themselves.
    said = ticks.dropna(subset=["fused_neutral"])
    label = said[[f"fused_{name}" for name in LABELS]].to_numpy().argmax(axis=1)
    # What is uncertain belongs to the time, and has no bar.
    label[said["label"].to_numpy() == UNCERTAIN] = -1
    counts = said.assign(label=label).groupby(["condition", "participant"])["label"].value_counts()
    ticks_of: dict[tuple[str, str], int] = said.groupby(["condition", "participant"]).size().to_dict()
    figure: Any = Figure(figsize=(7.2, 1.1 + 0.2 * len(people)), layout="constrained")
    axes = figure.subplots(1, len(conditions), sharey=True, squeeze=False)[0]
    known: dict[tuple[str, str, int], int] = counts.to_dict()
    for axis, condition in zip(axes, conditions, strict=True):
        table = np.array(
            [[known.get((condition, one, i), 0) for i in range(len(LABELS))] for one in people], float
        )
        whole = np.array([[ticks_of.get((condition, one), 0)] for one in people], float)
        shares = np.divide(table, whole, out=np.zeros_like(table), where=whole > 0)
        left = np.zeros(len(people))
        for i, name in enumerate(LABELS):
            axis.barh(
                range(len(people)), shares[:, i], left=left, height=0.8, color=LABEL_COLOURS[name], label=name
            )
            left += shares[:, i]
        axis.set_title(wrapped(condition, _CHARACTERS // len(conditions)), fontsize=8)
        axis.set_xlim(0, 1)
        styled(axis)
    axes[len(axes) // 2].set_xlabel("share of the time")
    axes[0].set_yticks(range(len(people)), [shortened(one) for one in people])
    axes[0].set_ylim(len(people) - 0.5, -0.5)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=7, frameon=False, fontsize=7)
    return figure
