"""`emoview fuse`: late fusion of the networks of one or several runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.console import Terminal


def fuse(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", exists=True, file_okay=False)],
    models: Annotated[
        list[str] | None,
        typer.Option("--model", help="A network to join; RUN/NETWORK of several runs. [default: all]"),
    ] = None,
) -> None:
    """Fuse predictions for unseen clips by the published late-fusion rules and by emoview's own.

    The accuracy of each network alone, and their mean, stand above.

    Examples:
      emoview fuse runs/clip-fusion --model visual-gru --model sound-gru
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render_training
        from emoview.errors import InputError
        from emoview.training.late_fusion import late_fusions, read_predictions, single_models

        predictions = read_predictions(runs)
        chosen = models or list(predictions.logits)
        for name in chosen:
            if name not in predictions.logits:
                raise InputError(f"there is no model {name!r}, only {', '.join(predictions.logits)}")
        alone, fused = single_models(predictions, chosen), late_fusions(predictions, chosen)
        render_training.rules(terminal, alone, fused)
