"""The command `emoview`."""

from __future__ import annotations

import sys

if not (3, 10) <= sys.version_info[:2] <= (3, 12):
    sys.exit(
        "emoview runs on Python 3.10 to 3.12, this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}: make an environment with another Python"
    )

import typer

from emoview.cli.agree import agree
from emoview.cli.analyze import analyze
from emoview.cli.baseline import baseline
from emoview.cli.batch import batch
from emoview.cli.compare import compare
from emoview.cli.doctor import doctor
from emoview.cli.evaluate import evaluate
from emoview.cli.export import export
from emoview.cli.fuse import fuse
from emoview.cli.overlay import overlay
from emoview.cli.plot import plot
from emoview.cli.prepare import prepare
from emoview.cli.report import report
from emoview.cli.search import search
from emoview.cli.train import train
from emoview.cli.weights import weights

app = typer.Typer(
    name="emoview",
    help="Turn videos into emotion timelines: what the face shows, what the voice carries, and both.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from emoview import __version__

        typer.echo(f"emoview {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """Turn videos into emotion timelines."""


app.command()(analyze)
app.command()(report)
app.command()(overlay)
app.command()(export)
app.command()(plot)
app.command()(agree)
app.command()(batch)
app.command()(baseline)
app.command()(train)
app.command()(evaluate)
app.command()(compare)
app.command()(search)
app.command()(prepare)
app.command()(fuse)
app.command()(weights)
app.command()(doctor)


if __name__ == "__main__":
    app()
