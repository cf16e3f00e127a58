"""`emoview train`: the published systems, and the weights that ship, from labelled data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from emoview.cli.complete import systems_like
from emoview.cli.config import read_toml
from emoview.cli.console import Terminal
from emoview.cli.options import Features


class Part(str, Enum):
    """The weights that ship; the first three in this order, since each stands on the one before."""

    FACE = "face"
    VOICE = "voice"
    FUSION = "fusion"
    SPEAKERS = "speakers"
    PERSONS = "persons"
    ACTIVITY = "activity"


def train(
    system: Annotated[
        str | None,
        typer.Argument(
            autocompletion=systems_like,
            help="A system of --list; or face, voice, fusion, speakers, persons, activity: what ships.",
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder with the labelled data (docs/systems.md); several of faces or speech are joined.",
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            show_default="runs/SYSTEM",
            help="Run folder. An existing one continues.",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="TOML or JSON file with options.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="An option, such as network=bkmin or plan.epochs=5."
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List the systems and stop.")] = False,
    ship: Annotated[
        Path,
        typer.Option(help="For what ships, such as face or voice: folder that the weights are written to."),
    ] = Path("weights"),
    voice_features: Annotated[
        Features,
        typer.Option(help="For voice: features to use; each needs its own run folder."),
    ] = Features.OPENSMILE,
    refine: Annotated[
        bool, typer.Option("--refine", help="For face: only the last round, from the weights in --ship.")
    ] = False,
    unheard_corpora: Annotated[
        bool,
        typer.Option(
            "--unheard-corpora",
            help="For voice: also train without each corpus in turn, and measure on that corpus.",
        ),
    ] = False,
) -> None:
    """Train a SYSTEM and evaluate it on held-out data. Run the command again to continue.

    Examples:
      emoview train --list

      emoview train image-landmark --data fer2013

      emoview train picture-cnn --data raf-db --data affectnet --data fer2013

      emoview train shallow-deep --data fer2013 --set network=bkmin --set plan.epochs=10 -o runs/bkmin

      emoview train voice --data DIR --unheard-corpora
    """
    if not show and (system is None or not data):
        raise typer.BadParameter("name a SYSTEM and --data, or ask for --list")
    if unheard_corpora and system != Part.VOICE.value:
        raise typer.BadParameter("--unheard-corpora is for voice: name that as the SYSTEM, or leave it out")
    if refine and system != Part.FACE.value:
        raise typer.BadParameter("--refine is for face: name that as the SYSTEM, or leave it out")
    terminal = Terminal()
    with terminal.reporting():
        if system is None or not data or show:
            from emoview.cli.render_systems import systems

            systems(terminal)
            return
        from emoview.cli import render_training
        from emoview.common.interrupts import interrupted_as
        from emoview.training.memory import keep_memory

        keep_memory()
        with render_training.live(terminal.console) as on_event:
            if system in [part.value for part in Part]:
                one, runs = _only(system, data), run or Path("runs")
                with interrupted_as(lambda: f"what was done is kept in {runs}; the same command goes on"):
                    _ship(
                        Part(system), one, runs, ship, voice_features, on_event,
                        unheard=unheard_corpora, refine=refine,
                    )  # fmt: skip
                return
            from emoview.networks.runs import Run
            from emoview.training.systems.catalog import system_named

            chosen = system_named(system)
            options = chosen.options(given_changes(config, changes or ()), str(config or "--set"))
            folder = run or Path("runs") / system
            several = tuple(data) if len(data) > 1 and chosen.takes_several else _only(system, data)
            chosen.check(options)
            opened = Run(folder, system, options, several)
            with opened.learning():
                chosen.train(options, several, opened, on_event)
        render_training.outcome(terminal.printer(terminal.width), folder)


def _only(system: str, data: list[Path]) -> Path:
    from emoview.errors import InputError

    if len(data) > 1:
        raise InputError(f"{system} takes one data set: name one with --data")
    return data[0]


def _ship(
    part: Part,
    data: Path,
    run: Path,
    ship: Path,
    features: Features,
    on_event: Any,
    *,
    unheard: bool,
    refine: bool,
) -> None:
    from emoview.training import ship as shipping
    from emoview.voice.features import VoiceFeatures

    if part is Part.VOICE:
        shipping.ship_voice(
            data, run, ship, on_event=on_event, features=VoiceFeatures(features.value), unheard=unheard
        )
        return
    train_part: Any = {
        Part.FACE: partial(shipping.ship_face, refine=refine),
        Part.FUSION: shipping.ship_fusion,
        Part.SPEAKERS: shipping.ship_speakers,
        Part.PERSONS: shipping.ship_persons,
        Part.ACTIVITY: shipping.ship_activity,
    }[part]
    train_part(data, run, ship, on_event=on_event)


def given_changes(config: Path | None, pairs: Sequence[str]) -> Mapping[str, Any]:
    """Join the options of a file with those of the command line, which win."""
    from emoview.common.stored import read_json
    from emoview.errors import InputError
    from emoview.training.options import nested

    changes: dict[str, Any] = {}
    if config is not None:
        if config.suffix.lower() == ".toml":
            changes = dict(read_toml(config))
        else:
            changes = read_json(config, dict[str, Any], 'write {"OPTION": VALUE}')
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--set {pair}: write NAME=VALUE")
        changes = nested({**_flat(changes), name: _value(value)}, "--set")
    return changes


def _flat(changes: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Turn `{"plan": {"rate": 1}}` into `{"plan.rate": 1}`."""
    flat: dict[str, Any] = {}
    for name, value in changes.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{before}{name}."))
        else:
            flat[before + name] = value
    return flat


def _value(text: str) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(os.fsencode(text))
    except (ValueError, RecursionError):
        return text
