"""`emoview events`: stretches of a result, marked by rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.console import Terminal
from emoview.cli.options import QuietOption

USUAL = (
    "blink",
    "speech",
    *(f"{label} > 0.6 for 0.5 s" for label in ("anger", "disgust", "fear", "happy", "sad", "surprise")),
)


def events(
    result: Annotated[Path, typer.Argument(metavar="RESULT.json", help="What analyze wrote.")],
    rules: Annotated[
        list[str] | None,
        typer.Option(
            "--rule",
            metavar="RULE",
            show_default="blinks, speech and labels above 0.6",
            help="Mark where this holds, such as: happy > 0.6 for 0.5 s. Repeat for several.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="CSV to write.", show_default="standard output"),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Mark by RULES where something happens: a row a stretch with start, end, rule and person.

    Examples:
      emoview events talk.json -o marks.csv

      emoview events talk.json --rule "happy > 0.6 for 0.5 s" --rule "speech starts"

      emoview events talk.json --rule "head_yaw > 30 and not speaking for 1 s"
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render
        from emoview.common.files import refuse_input, write_whole
        from emoview.common.text import name_of
        from emoview.errors import InputError
        from emoview.output.marks import marks_csv
        from emoview.output.read import read_json
        from emoview.timeline.rules import lacking, marks_of, read_rule, unsaid

        read = [read_rule(rule) for rule in rules or USUAL]
        refuse_input(output, result)
        analysis = read_json(result)
        unknown: list[str] = []
        for rule in read:
            missing = lacking(analysis, rule)
            if missing and rules:
                raise InputError(
                    f"{name_of(result)} has no {' and no '.join(missing)}: change the rule {rule.text!r}"
                )
            if empty := [*missing, *unsaid(analysis, rule)]:
                about = f"{' and '.join(empty)}, which {rule.text!r} is about" if rules else ", ".join(empty)
                unknown.append(about)
        if not rules and unknown:
            unknown = [f"{', '.join(unknown)}: there are no marks of that"]
        render.warnings(terminal.console, [f"nothing is known of {about}" for about in unknown])
        found = [mark for rule in read for mark in marks_of(analysis, rule)]
        found.sort(key=lambda mark: (mark.start_s, mark.end_s))
        table = marks_csv(found)
        if output is None:
            terminal.out.write(table)
            terminal.out.flush()
            return
        write_whole(output, table)
        if not quiet:
            render.show_written(terminal.console, [output])
