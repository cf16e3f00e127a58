"""`emoview methods`: how a result was made, for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.console import Terminal


def methods(
    result: Annotated[Path, typer.Argument(metavar="RESULT.json", help="What emoview analyze wrote.")],
) -> None:
    """Print the paragraph for a methods section, filled in from a result, and the citation.

    Examples:
      emoview methods interview.json

      emoview methods interview.json > methods.txt
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.output.methods import methods_text
        from emoview.output.read import read_json

        terminal.out.write(methods_text(read_json(result)))
