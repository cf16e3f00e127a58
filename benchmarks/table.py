"""What was measured, as Markdown and JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Speed:
    """What the rounds of a tool on a clip gave.

    Attributes:
        clip: Name of its kind.
        tool: `emoview`, `floor`, or a peer.
        ticks_per_s: Of each round.
        memory_mb: Peak of all processes, of each round.
        faces: How many were found; None for tools that do not say.
        stages: Seconds at work of each stage, of the last round.
    """

    clip: str
    tool: str
    ticks_per_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    faces: int | None = None
    stages: dict[str, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Ticks a second of the round in the middle."""
        return statistics.median(self.ticks_per_s)


@dataclass(frozen=True)
class Fact:
    """A single figure: what, how much, and of which unit."""

    what: str
    value: float
    unit: str


def document(machine: dict[str, str], speeds: Sequence[Speed], facts: Sequence[Fact]) -> dict[str, Any]:
    """Give everything for JSON, with medians and ratios."""
    rows = []
    for speed in speeds:
        others = [other for other in speeds if other.clip == speed.clip and other.tool != speed.tool]
        ratios = {other.tool: round(speed.median / other.median, 3) for other in others}
        rows.append({**asdict(speed), "median": round(speed.median, 2), "ratio_to": ratios})
    return {"machine": machine, "speed": rows, "facts": [asdict(fact) for fact in facts]}


def markdown(machine: dict[str, str], speeds: Sequence[Speed], facts: Sequence[Fact]) -> str:
    """Write the tables: speed by clip and tool, stages of emoview, and single figures."""
    lines = [", ".join(f"{name} {value}" for name, value in machine.items()), ""]
    if speeds:
        tools = list(dict.fromkeys(speed.tool for speed in speeds))
        found = {(speed.clip, speed.tool): speed for speed in speeds}
        clips = list(dict.fromkeys(speed.clip for speed in speeds))
        others = [tool for tool in tools if tool != "emoview"]
        head = ["clip", "faces", *(f"{tool}, ticks/s" for tool in tools)]
        head += [*(f"emoview / {tool}" for tool in others), "emoview, peak MB"]
        rows = []
        for clip in clips:
            own = found[clip, "emoview"]
            row = [clip, str(own.faces), *(f"{found[clip, tool].median:.1f}" for tool in tools)]
            row += [f"{own.median / found[clip, tool].median:.2f}" for tool in others]
            rows.append([*row, f"{statistics.median(own.memory_mb):.0f}"])
        lines += [
            *table(head, rows),
            "",
            "Seconds at work of each stage of emoview, which run side by side:",
            "",
        ]
        stages = list(found[clips[0], "emoview"].stages)
        lines += table(
            ["clip", *stages],
            [[clip, *(f"{found[clip, 'emoview'].stages[s]:.2f}" for s in stages)] for clip in clips],
        )
        lines.append("")
    if facts:
        lines += table(["what", "result"], [[fact.what, f"{fact.value:.3g} {fact.unit}"] for fact in facts])
    return "\n".join(lines).rstrip() + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay out rows under a head as Markdown."""
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
