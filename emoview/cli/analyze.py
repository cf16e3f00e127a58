"""`emoview analyze`: one clip to a timeline."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from emoview.cli.command import ShowConfigOption
from emoview.cli.config import ConfigOption, said_here
from emoview.cli.console import Terminal
from emoview.cli.options import (
    CausalOption,
    ContactSheetOption,
    QuietOption,
    SomeFormatsOption,
    with_options,
)

if TYPE_CHECKING:
    from emoview.timeline.results import Analysis

T = TypeVar("T")


@with_options
def analyze(
    ctx: typer.Context,
    video: Annotated[
        str,
        typer.Argument(
            help="Video or sound file in any format that ffmpeg reads; - for standard input; numbered "
            "pictures, such as frames_%04d.png or a folder, with --rate; an address with --allow-network."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR|FILE",
            help="Output folder; or one file, whose ending is the format, such as clip.eaf.",
            show_default="here",
        ),
    ] = None,
    options: Any = None,
    formats: SomeFormatsOption = None,
    contact_sheet: ContactSheetOption = False,
    json: Annotated[
        str | None,
        typer.Option(
            metavar="-|FILE",
            help="Write the JSON to standard output (-) or a file, and nothing else without -o or --format.",
        ),
    ] = None,
    save_faces: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save all aligned face crops as TICK_FACE.png.")
    ] = None,
    save_features: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="Save embeddings, descriptors and functionals.")
    ] = None,
    allow_network: Annotated[
        bool,
        typer.Option("--allow-network", help="Let ffmpeg open an address: https://, rtsp:// and others."),
    ] = False,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="S", help="Record so many seconds of an address, such as a camera's."),
    ] = None,
    causal: CausalOption = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show the time of each stage after the result.")
    ] = False,
    quiet: QuietOption = False,
    config: ConfigOption = None,  # noqa: ARG001
    show_config: ShowConfigOption = False,  # noqa: ARG001
) -> None:
    """Turn a VIDEO into an emotion timeline: NAME.csv, NAME.json and an overall label.

    Examples:
      emoview analyze interview.mp4

      emoview analyze talk.mov -o results --face all --labels 3

      emoview analyze clip.mp4 --json - | jq .overall.label

      emoview analyze "frames_%04d.png" --rate 30

      emoview analyze rtsp://camera/stream --allow-network --seconds 60

      emoview analyze clip.mp4 -o clip.eaf
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render
        from emoview.cli.render_profile import profile as show_profile
        from emoview.cli.render_profile import seconds_since_start
        from emoview.common.files import write_whole
        from emoview.common.names import FACES
        from emoview.media.source import stem_name
        from emoview.output.contact_sheet import ContactSheet
        from emoview.output.writers import formats_for, stem_beside, stem_of, write_results
        from emoview.pipeline.analysis import analyze as run
        from emoview.pipeline.keep import keeping
        from emoview.pipeline.profile import profile_of

        # What is said here overrules what a file of options says of all files.
        here = said_here(ctx, "formats")
        names = formats_for(output, formats if here else None, formats or "csv,json")
        usual = names if here or json is None or output is not None else []
        named, others = stem_name(video), [FACES] if contact_sheet else []
        stem = stem_of(named, usual, *others)
        alone = [Path(json)] if json and json != "-" else []
        _refuse(Path(video), _goals(stem, usual, output, contact_sheet), [*alone, *_there(save_features)])
        notes = _there(_faces_before(save_faces))
        sheet, start_s = ContactSheet(), seconds_since_start()
        with (
            keeping(save_faces, save_features) as keep,
            render.progress(terminal.console, quiet=quiet) as on_event,
        ):
            result = run(
                video, options=replace(options, causal=causal), on_event=on_event, keep=keep,
                on_face=(lambda found: sheet.add(found.face_id, found.face)) if contact_sheet else None,
                allow_network=allow_network, seconds=seconds,
            )  # fmt: skip
        write_from = time.perf_counter()
        stem, beside = stem_beside(result, stem, usual, output or Path(), *others)
        goals = _goals(stem, usual, output, contact_sheet)
        notes += _there(beside, *_doubts(result, [*goals, *alone]))
        replaced = [path for path in (*goals, *alone) if path.exists()]
        written = _there(save_faces, save_features)
        written += [*_write_json(terminal, result, named, json), *write_results(result, stem, usual, output)]
        if contact_sheet:
            write_whole(goals[-1], sheet.png(result.media.ticks, result.faces))
            written.append(goals[-1])
        write_s = time.perf_counter() - write_from
        if not quiet:
            _show(terminal, result, json, written, replaced)
        # Always: whoever looks at the usual name would take the other's result, or person, for this one.
        render.warnings(terminal.console, notes)
        if profile:
            show_profile(terminal.console, profile_of(result, start_s=start_s, write_s=write_s))


def _there(*given: T | None) -> list[T]:
    return [one for one in given if one is not None]


def _refuse(video: Path, results: list[Path], named: list[Path]) -> None:
    """Refuse, before hours of work, to write over the recording, and what cannot be written at all.

    Args:
        video: What is analysed.
        results: Files that get their names from it, or one that `-o` names.
        named: Files that are named themselves.
    """
    from emoview.common.files import refuse_input, refuse_unwritable

    refuse_input(video, *named)
    for path in (*results, *named):
        refuse_unwritable(path)


def _faces_before(folder: Path | None) -> str | None:
    """Tell where faces of this analysis are going to lie among others, of which only some are replaced."""
    from emoview.common.text import counted, name_of

    before = [] if folder is None else list(folder.glob("[0-9]*_[0-9]*.png"))
    if not before:
        return None
    return (
        f"{name_of(folder)} held {counted(len(before), 'face')} before: those that were not replaced are of "
        "another analysis"
    )


def _doubts(result: Analysis, files: list[Path]) -> Iterator[str | None]:
    """Tell, before they are written, to which of the results names were given that may be of others."""
    from emoview.output.read import doubt_about_names

    return (doubt_about_names(result, path) for path in dict.fromkeys(files))


def _show(
    terminal: Terminal, result: Analysis, json: str | None, written: list[Path], replaced: list[Path]
) -> None:
    """Print the result and its files; where its JSON goes to standard output, nothing else does."""
    from emoview.cli import render

    shown = terminal.console if json == "-" else terminal.printer(terminal.width)
    render.summary(shown, result, [])
    render.show_written(terminal.console, written, replaced)


def _goals(stem: str, formats: Sequence[str], output: Path | None, contact_sheet: bool) -> list[Path]:
    """Name the files of a result; the contact sheet comes last, in the folder of the others."""
    from emoview.common.names import FACES
    from emoview.output.writers import goals_of

    results = goals_of(stem, formats, output)
    sheet = (results[0].parent if results else Path()) / f"{stem}{FACES}"
    return [*results, *([sheet] if contact_sheet else [])]


def _write_json(terminal: Terminal, result: Analysis, video: Path, file: str | None) -> list[Path]:
    """Write the JSON where it is wanted alone: to a file, or with `-` to standard output."""
    from emoview.common.files import write_whole
    from emoview.output.json import json_file

    if file is None:
        return []
    if file != "-":
        write_whole(Path(file), json_file(result, Path(file)))
        return [Path(file)]
    terminal.out.writelines(json_file(result, video))
    terminal.out.flush()
    return []
