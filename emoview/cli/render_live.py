"""What a person sees of a live session in the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from emoview.common.text import name_of
from emoview.live.session import NO_ZERO, Session, Update
from emoview.timeline.clock import time_of
from emoview.timeline.labels import COLOURS, Naming
from emoview.timeline.results import Probabilities

_BAR = 24
_EVERY_S = 0.2
_LINE_EVERY_S = 5.0


def watch(console: Console, session: Session, *, quiet: bool, hint: str = "") -> None:
    """Show a session until it ends: moving on a terminal, elsewhere as a line now and then."""
    if quiet:
        session.done.wait()
    elif console.is_terminal:
        with Live(console=console, refresh_per_second=8, transient=True) as live:
            _until_done(session, _EVERY_S, lambda update: live.update(view(session, update, hint)))
    else:
        _until_done(session, _LINE_EVERY_S, lambda update: console.print(line(session, update)))


def _until_done(session: Session, every_s: float, show: Callable[[Update | None], None]) -> None:
    shown = 0
    while not session.done.wait(every_s):
        update = session.latest
        if update is None or update.number != shown or session.state.state != "live":
            shown = update.number if update is not None else 0
            show(update)


def line(session: Session, update: Update | None) -> Text:
    """Say in a line how it goes."""
    clock = time.strftime("%H:%M:%S ")
    if update is None or session.state.state != "live":
        return Text(clock + (name_of(session.state.message) or "opening the source"))
    faces = ", ".join(f"face {face.face_id} {update.labels.get(face.face_id) or '-'}"
                      for face in update.moment.faces) or "no face"  # fmt: skip
    return Text(f"{clock}{time_of(update.moment.tick):8.1f} s  {faces}  {_pace(update)}")


def view(session: Session, update: Update | None, hint: str) -> RenderableType:
    """Draw what is known now."""
    state = session.state
    head = Text(name_of(state.facts.path), style="bold")
    head.append(f"  {state.state}", style="green" if state.state == "live" else "yellow")
    parts: list[RenderableType] = [head]
    if state.message:
        parts.append(Text(name_of(state.message), style="yellow"))
    if update is not None:
        parts += _faces(update)
        parts.append(Text(_pace(update), style="dim"))
        if update.zero_left_s is not None:
            parts.append(Text(f"taking your zero: be at rest for {update.zero_left_s:.0f} s more", "cyan"))
        elif update.zero_failed:
            parts.append(Text(NO_ZERO, "yellow"))
    parts.append(Text(f"{hint}Ctrl-C ends", style="dim"))
    return Group(*parts)


def _faces(update: Update) -> list[RenderableType]:
    moment, naming, parts = update.moment, update.settings.naming, list[RenderableType]()
    for face in moment.faces[:4]:
        label = update.labels.get(face.face_id) or "-"
        title = Text.assemble(
            f"face {face.face_id}  ", (f" {label} ", f"bold black on {COLOURS.get(label, '#DDDDDD')}"),
            f"  valence {face.valence:+.2f}  arousal {face.arousal:+.2f}{'  speaks' if face.speaks else ''}",
        )  # fmt: skip
        parts += [title, _bars(face.fused, naming)]
    if not moment.faces:
        parts.append(Text("no face", style="dim"))
        if moment.voice is not None:
            parts += [Text("voice"), _bars(moment.voice, naming)]
    elif moment.voice is not None:
        label, probability = naming.decide(moment.voice)
        parts.append(Text(f"voice: {label} {probability:.0%}"))
    return parts


def _bars(values: Probabilities, naming: Naming) -> Table:
    table = Table.grid(padding=(0, 1))
    for label, value in zip(naming.groups, naming.sums(values), strict=True):
        cells = round(value * _BAR)
        table.add_row(f"{label:9}", Text("█" * cells + "·" * (_BAR - cells), COLOURS[label]), f"{value:4.0%}")
    return table


def _pace(update: Update) -> str:
    pace = update.pace
    return (
        f"{pace.rate_hz:.0f} answers a second, delay {pace.delay_ms:.0f} ms (95 %: {pace.delay_p95_ms:.0f}), "
        f"{pace.dropped} pictures dropped"
    )
