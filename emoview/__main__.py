"""`python -m emoview` is the command `emoview`."""

from emoview.cli.main import app

app(prog_name="emoview")
