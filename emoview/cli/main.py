"""The command `emoview` with all that it can do, for its documentation and its tests."""

from __future__ import annotations

from emoview.cli.commands import app_with

app = app_with()
