"""`emoview analyze`: one clip to a timeline."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from emoview.cli.config import ConfigOption
from emoview.cli.console import Terminal
from emoview.cli.formats import chosen_formats


class Fusion(str, Enum):
    """How face and voice are joined."""

    LATE = "late"
    EARLY = "early"
    AUTO = "auto"


class Modality(str, Enum):
    """What is analysed."""

    BOTH = "both"
    FACE = "face"
    VOICE = "voice"


class DeviceChoice(str, Enum):
    """Where the networks run."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"


class LabelChoice(str, Enum):
    """How many labels are told apart."""

    SEVEN = "7"
    THREE = "3"
    TWO = "2"


def _face(value: str) -> str:
    if value in ("largest", "all") or value.isdecimal():
        return value
    raise typer.BadParameter("must be largest, all, or the number of a face")


def analyze(
    video: Annotated[Path, typer.Argument(help="Video or sound file; anything ffmpeg reads.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Folder, or the file of one format.", show_default="here"
        ),
    ] = None,
    fusion: Annotated[Fusion, typer.Option(help="How face and voice are joined.")] = Fusion.AUTO,
    modality: Annotated[Modality, typer.Option(help="Look, listen, or both.")] = Modality.BOTH,
    max_faces: Annotated[int, typer.Option(min=1, max=20, help="Faces looked for in a picture.")] = 4,
    face: Annotated[
        str,
        typer.Option(
            metavar="largest|all|ID",
            callback=_face,
            help="Which faces get rows: the largest over time, all, or one.",
        ),
    ] = "largest",
    labels: Annotated[
        LabelChoice,
        typer.Option(help="Seven labels; or positive, neutral, negative; or positive, other."),
    ] = LabelChoice.SEVEN,
    device: Annotated[DeviceChoice, typer.Option(help="Where the networks run.")] = DeviceChoice.AUTO,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            exists=True,
            file_okay=False,
            help="Run folder of emoview train: its network in the place of the shipped one.",
        ),
    ] = None,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="csv,json,...",
            callback=chosen_formats,
            help="Files to write: csv, json, parquet, eaf (ELAN), textgrid (Praat), vtt, srt.",
        ),
    ] = "csv,json",
    json: Annotated[
        str | None,
        typer.Option(metavar="-|FILE", help="Write the JSON alone, to standard output or a file."),
    ] = None,
    save_faces: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep all faces found, aligned, as TICK_FACE.png.")
    ] = None,
    save_features: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="Keep embeddings, descriptors and functionals.")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
    config: ConfigOption = None,  # noqa: ARG001
) -> None:
    """Turn a VIDEO into an emotion timeline: NAME.csv, NAME.json and an overall label.

    Examples:
      emoview analyze interview.mp4

      emoview analyze talk.mov -o results --face all --labels 3

      emoview analyze clip.mp4 --json - | jq .overall.label
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render
        from emoview.output.files import write_whole
        from emoview.output.json import to_json
        from emoview.output.writers import write_results
        from emoview.pipeline.analysis import analyze as run
        from emoview.pipeline.keep import keeping
        from emoview.timeline.labels import LabelCount
        from emoview.timeline.results import Options

        options = Options(
            fusion.value, modality.value, max_faces, face,
            cast(LabelCount, int(labels.value)), cast(Literal["auto"], device.value),
            None if weights is None else str(weights),
        )  # fmt: skip
        with (
            keeping(save_faces, save_features) as keep,
            render.progress(terminal.console, quiet=quiet) as on_event,
        ):
            result = run(video, options=options, on_event=on_event, keep=keep)
        written = [path for path in (save_faces, save_features) if path is not None]
        if json == "-":
            terminal.out.write(to_json(result))
            terminal.out.flush()
        elif json is not None:
            write_whole(Path(json), to_json(result))
            written.append(Path(json))
        if json is None or output is not None:
            written += write_results(result, video.stem, formats.split(","), output)
        if not quiet:
            render.summary(terminal.console, result, written)
