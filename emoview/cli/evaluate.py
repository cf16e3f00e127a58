"""`emoview evaluate`: how good networks are on labelled data."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from emoview.cli.console import Terminal
from emoview.cli.options import Truth

if TYPE_CHECKING:
    from emoview.evaluation.seen import SeenCheck


class What(str, Enum):
    """What is measured."""

    FACE = "face"
    VOICE = "voice"
    CLIPS = "clips"
    TIMELINE = "timeline"
    VA = "va"


class Protocol(str, Enum):
    """Who is asked about whom."""

    GIVEN = "given"
    SPEAKER_FOLDS = "speaker-folds"
    LEAVE_ONE_SPEAKER_OUT = "leave-one-speaker-out"
    CROSS_CORPUS = "cross-corpus"
    RAVDESS_FOLDS = "ravdess-folds"
    LEAVE_ONE_ACTOR_OUT = "leave-one-actor-out"


class SeenInTraining(str, Enum):
    """What becomes of examples that a network learned from."""

    REFUSE = "refuse"
    INCLUDE = "include"
    LEAVE_OUT = "leave-out"


def evaluate(
    what: Annotated[
        What,
        typer.Argument(
            help="face, voice, clips, timeline: steadiness on joined clips, or va: valence and arousal."
        ),
    ],
    model: Annotated[
        str, typer.Argument(metavar="shipped|RUN", help="The shipped networks, or a run folder.")
    ],
    data: Annotated[Path, typer.Argument(exists=True, help="Labelled data: a folder, or a table for va.")],
    part: Annotated[
        str | None, typer.Option(help="Part of the data, such as valid, where it has several.")
    ] = None,
    protocol: Annotated[
        Protocol,
        typer.Option(
            help="Evaluate the networks as they are (given), or retrain the shipped ones: speaker folds for "
            "voices, leave-one-actor-out for clips (retrains only what uses face and voice outputs)."
        ),
    ] = Protocol.GIVEN,
    truth: Annotated[
        Truth, typer.Option(help="For faces: original labels, or the majority of FER+ votes.")
    ] = Truth.ORIGINAL,
    cut_out: Annotated[
        bool,
        typer.Option("--cut-out", help="For faces: crop faces in small pictures too, as in videos."),
    ] = False,
    humans: Annotated[
        bool,
        typer.Option(
            "--humans",
            help="For faces with FER+ votes: how far raters agree, and one rater and the networks against "
            "the majority of the other raters, in 7, 3 and 2 labels.",
        ),
    ] = False,
    groups: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="For faces: measure by group, too. A CSV table with the column id (path or number in the "
            "part) and a column for each attribute, such as glasses.",
        ),
    ] = None,
    fusion: Annotated[str, typer.Option(help="For clips: late, early or auto.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the folds.")] = 1,
    seen: Annotated[
        SeenInTraining,
        typer.Option(
            help="Of a RUN: what becomes of examples that it learned from, by themselves or by their people."
        ),
    ] = SeenInTraining.REFUSE,
    file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="-|FILE",
            help="Write all figures as JSON to a file, or alone to standard output (-).",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw confusion, calibration and ROC, too: .png, .svg or .pdf."),
    ] = None,
) -> None:
    """Measure networks: accuracy, unweighted average recall, F1, confusion, calibration, and each label.

    Each figure comes with its bootstrap 95 % interval; valence and arousal with RMSE, PCC, ICC and CCC.

    Examples:
      emoview evaluate face shipped fer2013 --part valid --plot fer2013.png

      emoview evaluate face shipped fer2013 --part valid --humans

      emoview evaluate voice shipped speech --protocol ravdess-folds

      emoview evaluate face shipped my-faces --groups ages.csv

      emoview evaluate face runs/shallow-deep my-faces --json figures.json

      emoview evaluate face runs/shallow-deep faces --seen leave-out
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render_training

        _check(what, model, protocol, cut_out=cut_out, humans=humans, groups=groups, seen=seen, plot=plot)
        _check_unused(what, part, truth, fusion)
        if protocol is not Protocol.GIVEN:
            from emoview.training.memory import keep_memory

            keep_memory()
        from emoview.evaluation.seen import SeenCheck

        check = SeenCheck(seen.value)
        with render_training.live(terminal.console) as on_event:
            figures = (
                _raters(model, data, part, cut_out, check, on_event)
                if humans
                else _figures(
                    what, model, data, part, protocol, truth, cut_out, groups, fusion, seed, check, on_event
                )
            )
        for name, one in figures.items() if str(file) != "-" else ():
            render_training.figures(terminal, name, one, check.counts.get(name))
        from emoview.common.files import write_whole
        from emoview.common.text import without_nan

        if file is not None:
            told = {name: {"seen_in_training": count} for name, (count, _) in check.counts.items()}
            rows = {name: {**asdict(one), **told.get(name, {})} for name, one in figures.items()}
            text = json.dumps(without_nan(rows), indent=2, allow_nan=False) + "\n"
            if str(file) == "-":
                terminal.out.write(text)
            else:
                write_whole(file, text)
        if plot is not None:
            from emoview.metrics.plot import plot_figures

            write_whole(plot, plot_figures(figures, plot))


def _check(
    what: What,
    model: str,
    protocol: Protocol,
    *,
    cut_out: bool,
    humans: bool,
    groups: Path | None,
    seen: SeenInTraining,
    plot: Path | None,
) -> None:
    """Refuse options that do not go together, before the measuring, which can take minutes."""
    from emoview.errors import InputError

    suits = {Protocol.GIVEN: what, Protocol.LEAVE_ONE_ACTOR_OUT: What.CLIPS}.get(protocol, What.VOICE)
    if suits is not what:
        raise InputError(f"{protocol.value} is a protocol for {suits.value}, not for {what.value}")
    if what is What.TIMELINE and model != "shipped":
        raise InputError("timeline evaluates the shipped networks only: name shipped as the model")
    if plot is not None:
        from emoview.output.plot import form_of

        if what in (What.TIMELINE, What.VA) or humans:
            which = "--humans" if humans else what.value
            raise InputError(f"--plot draws labels, which {which} does not measure")
        form_of(plot)
    for option, given in (("--cut-out", cut_out), ("--humans", humans), ("--groups", groups)):
        if given and what is not What.FACE:
            raise InputError(f"{option} is for faces, not for {what.value}")
    if humans and groups:
        raise InputError("--humans measures no groups: leave out one of --humans and --groups")
    if seen is not SeenInTraining.REFUSE and model == "shipped":
        raise InputError("--seen is for a run: what ships has no record of what it learned from")
    if protocol is Protocol.LEAVE_ONE_ACTOR_OUT and model != "shipped":
        raise InputError("leave-one-actor-out trains what ships; emoview train clip-fusion measures others")


def _check_unused(what: What, part: str | None, truth: Truth, fusion: str) -> None:
    """Refuse options that would change nothing."""
    from emoview.errors import InputError

    given = (
        ("--part", part is not None, (What.FACE, What.CLIPS, What.TIMELINE)),
        ("--truth", truth is not Truth.ORIGINAL, (What.FACE,)),
        ("--fusion", fusion != "auto", (What.CLIPS,)),
    )
    for option, is_given, suits in given:
        if is_given and what not in suits:
            names = " and ".join(one.value for one in suits)
            raise InputError(f"{option} is for {names}, not for {what.value}")


def _raters(
    model: str, data: Path, part: str | None, cut_out: bool, check: SeenCheck, on_event: Any
) -> dict[str, Any]:
    from emoview.evaluation.raters import evaluate_raters

    return dict(evaluate_raters(model, data, part, cut_out=cut_out, check=check, on_event=on_event))


def _figures(
    what: What,
    model: str,
    data: Path,
    part: str | None,
    protocol: Protocol,
    truth: Truth,
    cut_out: bool,
    groups: Path | None,
    fusion: str,
    seed: int,
    check: SeenCheck,
    on_event: Any,
) -> dict[str, Any]:
    if what is What.FACE:
        from emoview.evaluation.faces import evaluate_faces

        return dict(
            evaluate_faces(
                model,
                data,
                part,
                truth=truth.value,
                cut_out=cut_out,
                groups=groups,
                on_event=on_event,
                check=check,
            )
        )
    if what is What.VOICE:
        from emoview.evaluation.voices import evaluate_voices

        chosen = cast(Any, protocol.value)
        return dict(evaluate_voices(model, data, chosen, seed=seed, on_event=on_event, check=check))
    if what is What.CLIPS:
        from emoview.evaluation.clips import evaluate_clips, evaluate_clips_by_actor

        if protocol is Protocol.LEAVE_ONE_ACTOR_OUT:
            return dict(evaluate_clips_by_actor(data, part, on_event=on_event))

        return dict(
            evaluate_clips(model, data, part, fusion=cast(Any, fusion), on_event=on_event, check=check)
        )
    if what is What.TIMELINE:
        from emoview.evaluation.timelines import evaluate_timelines

        return {"timeline": evaluate_timelines(data, part, seed=seed, on_event=on_event)}
    from emoview.evaluation.affect import evaluate_affect

    return dict(evaluate_affect(model, data, on_event=on_event, check=check))
