"""What a person sees of the state of an installation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from emoview.cli.console import Terminal
from emoview.doctor import licences
from emoview.doctor.checks import Check

if TYPE_CHECKING:
    # It imports libraries, which may be missing where the doctor looks.
    from emoview.networks.weights import WeightState

_WIDTH = 160


def checks(terminal: Terminal, found: Iterable[Check]) -> list[Check]:
    """Print each piece when it was looked at, with the cure of what is broken; gives them all."""
    console = terminal.printer()
    seen: list[Check] = []
    # On standard error, so that it can be told from the answer.
    with terminal.console.status("looking ...") as status:
        for check in found:
            seen.append(check)
            mark = Text("ok", style="green") if check.right else Text("broken", style="bold red")
            said = Text(check.found)
            if check.cure:
                said.append(f"\n{check.cure}", style="bold")
            line = Table.grid(padding=(0, 2))
            line.add_column(width=6)
            line.add_column(width=18)
            line.add_column(overflow="fold")
            line.add_row(mark, check.name, said)
            console.print(line)
            terminal.out.flush()
            status.update(f"looking ... ({check.name} is done)")
    broken = sum(not check.right for check in seen)
    console.print(f"{broken} of {len(seen)} broken" if broken else "all checks passed")
    return seen


def weights(terminal: Terminal, states: Sequence[WeightState], *, verified: bool) -> None:
    """Print the files with whose they are and their terms; `verified` adds whether they are as shipped."""
    # Elsewhere a hash stays on one line, also beside what is said of it.
    console = terminal.printer(None if terminal.console.is_terminal else _WIDTH)
    whose = {
        f"Trained by emoview: {licences.WEIGHTS}": [state for state in states if state.trained],
        f"Of mediapipe, to find faces: {licences.FACE_MODELS}": [s for s in states if not s.trained],
    }
    for title, files in whose.items():
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("file", no_wrap=True)
        table.add_column("kB", justify="right", no_wrap=True)
        table.add_column("parameters", justify="right", no_wrap=True)
        table.add_column("SHA-256", overflow="fold")
        if verified:
            table.add_column("")
        for state in files:
            row = [
                state.name, f"{state.size / 1000:,.0f}",
                "" if state.parameters is None else f"{state.parameters:,}", state.found or "missing",
            ]  # fmt: skip
            table.add_row(*row, *(["ok" if state.right else "not what was shipped"] if verified else []))
        console.print(table)
    if verified and not all(state.right for state in states):
        terminal.error("weights are missing or changed: install emoview again")
    terminal.out.flush()


def card(terminal: Terminal, text: str) -> None:
    """Print the model card: laid out on a terminal, as Markdown elsewhere."""
    if terminal.out.isatty():
        terminal.printer().print(Markdown(text))
    else:
        terminal.out.write(text)
