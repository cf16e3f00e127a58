"""`emoview train`: make the weights that ship, from labelled data."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer


class Part(str, Enum):
    """What is trained; in this order, since each stands on the one before."""

    FACE = "face"
    VOICE = "voice"
    FUSION = "fusion"


def train(
    part: Annotated[Part, typer.Argument(help="face, then voice, then fusion.")],
    data: Annotated[
        Path,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder with fer2013/, faces7/, speech/ and clips/ (docs/training.md).",
        ),
    ],
    run: Annotated[
        Path, typer.Option("-o", "--run", help="Folder for checkpoints, features and figures.")
    ] = Path("runs"),
    ship: Annotated[Path, typer.Option(help="Folder that the weights are written to, and read from.")] = Path(
        "weights"
    ),
) -> None:
    """Train a PART of the shipped weights; called again, it goes on where it was."""
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from emoview.training import ship as shipping

    def tell(row: dict[str, Any]) -> None:
        typer.echo("  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))

    train_part = {
        Part.FACE: shipping.ship_face,
        Part.VOICE: shipping.ship_voice,
        Part.FUSION: shipping.ship_fusion,
    }[part]
    train_part(data, run, ship, on_event=tell)
