"""What `--profile` shows."""

from __future__ import annotations

import os
import time
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from emoview.pipeline.profile import Profile
from emoview.timeline.clock import TICK_HZ

COLUMNS = ("stage", "seconds", "share", "ticks/s")


def seconds_since_start() -> float:
    """Tell how long this process has been running, Python's own start included."""
    # The name of the program, in brackets, may hold anything; field 22 is when it started, in clock ticks.
    after_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(after_name[19]) / os.sysconf("SC_CLK_TCK")


def profile(console: Console, found: Profile) -> None:
    """Print a row for each stage, and what they come to: a table at a terminal, else tabs between cells."""
    rows = [
        (
            stage.name,
            f"{stage.busy_s:.2f}",
            f"{stage.share:.0%}",
            "" if stage.ticks_per_s is None else f"{stage.ticks_per_s:.0f}",
        )
        for stage in found.stages
    ]
    speed = found.ticks / found.wall_s
    rows.append(("all, side by side", f"{found.wall_s:.2f}", "100%", f"{speed:.0f}"))
    if console.is_terminal:
        table = Table(*COLUMNS[:1], box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for name in COLUMNS[1:]:
            table.add_column(name, justify="right")
        for row in rows:
            style = "bold" if row[0] in found.bound_by else None
            table.add_row(*row, style=style)
        console.print(table)
    else:
        for row in (COLUMNS, *rows):
            # rich would make spaces of the tabs.
            console.file.write("\t".join(row) + "\n")
    memory = f"peak memory {found.memory_mb:.0f} MB, ffmpeg {found.ffmpeg_mb:.0f} MB"
    console.print(
        Text(
            f"bound by {' and '.join(found.bound_by)}; {speed / TICK_HZ:.1f} times real time; "
            f"networks in {found.engine}; {memory}",
            style="dim",
        ),
        soft_wrap=True,
    )
