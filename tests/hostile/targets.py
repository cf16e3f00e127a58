"""What is done with a fuzzed input: the calls of the commands, and what must hold of what they give."""

from __future__ import annotations

import contextlib
import json
import math
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .common import SAMPLE
from .judge import broken_rules
from .mutate import mutated_tree
from .seeds import MAKERS

_MOST_CLIPS = 100
# What other programs wrote again may be off by a hundredth, and is read.
_OFF_WHEN_READ = 0.0102


class BrokenError(AssertionError):
    """Something was accepted and then was not as it must be."""


def holds(right: bool, what: str) -> None:
    """Complain where something is not right."""
    if not right:
        raise BrokenError(what)


def prepare(kind: str, folder: str) -> None:
    """Make the good inputs of a kind, and see that they are taken: or damaged ones would tell nothing."""
    MAKERS[kind](Path(folder))
    with tempfile.TemporaryDirectory() as place:
        for variant in Path(folder).iterdir():
            if not variant.name.startswith("."):
                copy = Path(place, variant.name)
                shutil.copytree(variant, copy, symlinks=True)
                _TARGETS[kind](copy)


def make_input(kind: str, seed: int, number: int, bases: str, folder: str) -> str:
    """Make a damaged input, decided by kind, seed and number alone; tells what was done."""
    chance = random.Random(f"{seed}:{kind}:{number}")
    variants = sorted(path for path in Path(bases).iterdir() if not path.name.startswith("."))
    variant = chance.choice(variants)
    target = Path(folder) / variant.name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(variant, target, symlinks=True)
    return f"{variant.name}: {mutated_tree(target, chance)}"


def try_input(kind: str, seed: int, number: int, bases: str, folder: str) -> dict[str, Any]:
    """Make a damaged input and do with it what the commands do."""
    said = make_input(kind, seed, number, bases, folder)
    (target,) = Path(folder).iterdir()
    _TARGETS[kind](target)
    return {"said": said}


def _first_file(folder: Path) -> Path:
    return next(iter(sorted(folder.iterdir())), folder / "missing")


def _media(folder: Path) -> None:
    from emoview import analyze
    from emoview.output.csv import csv_file
    from emoview.output.json import json_file

    result = analyze(_first_file(folder))
    broken = broken_rules("".join(json_file(result, folder / "x.json")))
    holds(not broken, f"{broken}")
    lines = sum(piece.count("\n") for piece in csv_file(result, folder / "x.csv"))
    holds(lines == len(result.timeline) + 1, "the CSV has other rows than the result")


def _results(folder: Path) -> None:
    from emoview.evaluation.agreement import measure
    from emoview.evaluation.annotations import Annotation
    from emoview.output.read import read_json
    from emoview.output.writers import WRITERS, write_results
    from emoview.rendering.report import write_report

    path = _first_file(folder)
    result = read_json(path)
    write_results(result, "again", list(WRITERS), folder)
    broken = broken_rules((folder / "again.json").read_text("utf-8"), off=_OFF_WHEN_READ)
    write_report(path, folder / "page.html")
    _refusable(lambda: measure(result, [Annotation(0.0, 0.8, "happy", {"valence": 0.5})]))
    holds(not broken, f"read and written again: {broken}")


def _refusable(call: Callable[[], object]) -> None:
    from emoview.errors import InputError

    with contextlib.suppress(InputError):
        call()


def _lists(folder: Path) -> None:
    from emoview.batch.inputs import clips_of
    from emoview.errors import EmoviewError

    clips = clips_of([str(_first_file(folder))])
    names = [clip.name for clip in clips]
    holds(len(set(names)) == len(names), "two clips have one name")
    for clip in clips:
        parts = Path(clip.name).parts
        holds(
            bool(parts) and ".." not in parts and not Path(clip.name).is_absolute(), f"a name leaves: {names}"
        )
        stretch = clip.stretch
        try:
            from emoview.media.probe import _check_stretch

            _check_stretch(Path("x"), stretch)
        except EmoviewError:
            continue
        holds(math.isfinite(stretch.start_s) and stretch.start_s >= 0, "a stretch without a start")


def _config(folder: Path) -> None:
    import typer
    from typer.main import get_command

    from emoview.cli.main import app
    from emoview.errors import InputError

    command: Any = get_command(app)
    path = str(_first_file(folder))
    usage_error = typer.BadParameter.__mro__[1]
    try:
        with command.make_context("emoview", ["analyze"]) as parent:
            for name in ("analyze", "batch"):
                more = [str(SAMPLE), *(["-o", "out"] if name == "batch" else []), "--config", path]
                command.commands[name].make_context(name, list(more), parent=parent)
    except usage_error as error:
        raise InputError(error.format_message()) from None  # type: ignore[attr-defined]


def _baselines(folder: Path) -> None:
    import numpy as np

    from emoview.pipeline.models import read_baseline

    baseline = read_baseline(str(_first_file(folder)))
    for kind in ("face", "voice"):
        _refusable(lambda kind=kind: baseline.require(kind))
    for values in baseline.removed({name: np.zeros((3, 7)) for name in baseline.logits}).values():
        holds(bool(np.isfinite(values).all()), "a baseline that is not finite")


def _runs(folder: Path) -> None:
    import numpy as np

    from emoview.errors import EmoviewError
    from emoview.evaluation.comparison import compared
    from emoview.networks.runs import load_network, networks_of
    from emoview.pipeline.stand_ins import StandIn
    from emoview.training.loop import read_history

    refusal: EmoviewError | None = None
    for call in (lambda: compared([folder]), lambda: read_history(folder / "frame-cnn"),
                 lambda: [load_network(folder, network) for network in networks_of(folder)],
                 lambda: StandIn.load(folder).faces([np.zeros((112, 112, 3), np.uint8)])):  # fmt: skip
        try:
            call()
        except EmoviewError as error:
            refusal = error
    if refusal is not None:
        raise refusal


def _datasets(folder: Path) -> None:
    from emoview.datasets.affect import read_affect
    from emoview.datasets.clips import read_clip_index
    from emoview.datasets.pictures import open_pictures
    from emoview.datasets.speech import read_speech
    from emoview.errors import EmoviewError

    readers: list[Callable[[], object]] = {
        "affectnet": [lambda: _seen(open_pictures(folder)), lambda: _felt(read_affect(folder))],
        "afew_va": [lambda: _felt(read_affect(folder))],
        "affect_table": [lambda: _felt(read_affect(folder / "frames.csv"))],
        "clip_index": [lambda: read_clip_index(folder)], "clip_folders": [lambda: read_clip_index(folder)],
        "speech_index": [lambda: read_speech(folder)], "speech_names": [lambda: read_speech(folder)],
        "folders": [lambda: _seen(open_pictures(folder, "train")),
                    lambda: _seen(open_pictures(folder, "valid"))],
        "fer2013": [lambda: _seen(open_pictures(folder)),
                    lambda: _seen(open_pictures(folder, truth="votes"))],
        "kaggle": [lambda: _seen(open_pictures(folder, "train")),
                   lambda: _seen(open_pictures(folder, "train", truth="votes"))],
    }.get(folder.name, [lambda: _seen(open_pictures(folder))])  # fmt: skip
    refusal: EmoviewError | None = None
    for read in readers:
        try:
            read()
        except EmoviewError as error:
            refusal = error
    if refusal is not None:
        raise refusal


def _seen(pictures: Any) -> None:
    import numpy as np

    broken = set(pictures.check())
    for i in range(len(pictures)):
        holds(0 <= pictures.labels[i] < 7, "a label that is none")
        if pictures.name_of(i) not in broken:
            pictures.picture(i, size=8)
            pictures.original(i)
    if pictures.votes is not None:
        holds(bool(np.allclose(pictures.votes.sum(axis=1), 1, atol=1e-4)), "votes that do not sum to 1")


def _felt(frames: Any) -> None:
    import numpy as np

    holds(bool(np.isfinite(frames.values).all() and (np.abs(frames.values) <= 1).all()), "values beyond 1")
    for i in range(len(frames.frames)):
        _refusable(lambda i=i: frames.crop(i, 8))
        _refusable(lambda i=i: frames.face(i))


def _weights(folder: Path) -> None:
    import emoview.networks.weights as weights
    from emoview.errors import WeightsError

    before = weights._PACKAGED
    weights._PACKAGED = folder
    weights.shipped.cache_clear()
    try:
        states = weights.weight_states()
        weights.model_card()
        wrong = [state.name for state in states if not state.right]
        for state in states:
            try:
                weights.shipped(state.name)
            except WeightsError:
                holds(state.name in wrong, f"{state.name} is right, and refused")
                continue
            holds(state.name not in wrong, f"{state.name} is not what shipped, and taken")
    finally:
        weights._PACKAGED = before
        weights.shipped.cache_clear()


def _annotations(folder: Path) -> None:
    from emoview.evaluation.agreement import measure
    from emoview.evaluation.annotations import read_annotations
    from tests.made_up import made_up

    annotations = read_annotations(_first_file(folder))
    found = measure(made_up(), annotations)
    text = json.dumps(
        [found.annotated_ticks, found.compared_ticks, {k: v.ccc.value for k, v in found.values.items()}]
    )
    holds("Infinity" not in text, f"figures that are not finite: {text}")


def _imports(folder: Path) -> None:
    from emoview.imports.result import imported
    from emoview.output.json import to_json
    from emoview.output.read import read_json

    text = to_json(imported(_first_file(folder), rate=25))
    broken = broken_rules(text)
    holds(not broken, f"{broken}")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "result.json")
        path.write_text(text)
        holds(to_json(read_json(path)) == text, "it is read as something else")


_TARGETS: dict[str, Callable[[Path], None]] = {
    "media": _media, "results": _results, "lists": _lists, "config": _config, "baselines": _baselines,
    "runs": _runs, "datasets": _datasets, "weights": _weights, "annotations": _annotations,
    "imports": _imports,
}  # fmt: skip
