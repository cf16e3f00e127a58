"""The program that is started imports the command that is named, and no other."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from typer.main import get_command

from emoview.cli.commands import EVERY, app_with
from emoview.cli.main import app

_LOADED = """
import json, sys
from emoview.cli.start import main
try:
    main()
finally:
    print(json.dumps(sorted(name for name in sys.modules if name.startswith("emoview.cli."))))
"""


def _started(*words: str) -> tuple[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *words], capture_output=True, text=True, timeout=120, check=False
    )
    *said, loaded = done.stdout.splitlines()
    return "\n".join(said) + done.stderr, json.loads(loaded)


def test_only_the_named_command_is_imported():
    said, loaded = _started("analyze", "--help")
    assert "emoview analyze [OPTIONS]" in said
    assert "emoview.cli.analyze" in loaded
    assert not {"emoview.cli.train", "emoview.cli.study", "emoview.cli.live"} & set(loaded)


@pytest.mark.parametrize("words", [(), ("--help",), ("analyse", "x.mp4")])
def test_without_a_known_name_all_commands_are_there(words: tuple[str, ...]):
    said, loaded = _started(*words)
    assert {"emoview.cli.train", "emoview.cli.study", "emoview.cli.live"} <= set(loaded)
    assert "analyze" in said


@pytest.mark.parametrize("name", EVERY)
def test_a_command_alone_is_the_same_as_among_all(name: str):
    alone: Any = get_command(app_with([name]))
    among: Any = get_command(app)
    assert list(alone.commands) == [name]
    one, other = alone.commands[name], among.commands[name]
    assert type(one) is type(other)
    assert one.help == other.help
    assert [(p.name, p.opts, p.default) for p in one.params] == [
        (p.name, p.opts, p.default) for p in other.params
    ]
