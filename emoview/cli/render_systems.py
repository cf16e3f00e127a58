"""What a person sees of the systems; `train --list` imports this without numpy and Keras."""

from __future__ import annotations

from rich import box
from rich.table import Table

from emoview.cli.console import Terminal
from emoview.training.systems.catalog import SYSTEMS


def systems(terminal: Terminal) -> None:
    """Print the systems that can be trained."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("system", "data", "what it is"):
        table.add_column(column, no_wrap=column == "system")
    for system in SYSTEMS.values():
        table.add_row(system.name, system.data, system.what)
    for name, data, what in (
        ("face", "fer2013/ and faces7/", "the face network that ships"),
        ("voice", "speech/ and speech_more/", "the voice networks that ship"),
        ("fusion", "clips/ and faces7/", "the temporal network and the fusions that ship"),
        ("speakers", "speech/ and speech_more/", "the network that ships and tells voices apart"),
        ("persons", "clips/ and faces7/", "the layer that ships and tells whose a face is"),
        ("activity", "speech/ and speech_more/", "the layer that ships and tells speech from other sounds"),
    ):
        table.add_row(name, data, what)
    terminal.printer().print(table)
